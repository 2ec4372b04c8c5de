// Package brief is what a human reads about an incident, without any markup:
// chat, tickets, the decision page and the command line render a Brief, none of
// them words it anew.
package brief

// Links are the ways to decide, for one channel's message. An empty one is not
// offered (Approve is empty when there is no fix to approve).
type Links struct {
	Approve  string
	Escalate string
	Resolve  string
	View     string // GET /incidents/{id}
}

// Brief is one incident, worded. Text from outside (alert, log, model) stands
// only in the fields that say so; renderers must escape those for their medium.
type Brief struct {
	Links Links
}
