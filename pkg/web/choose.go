package web

import (
	"strconv"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// A manual review may have candidates: fixes that nobody proposed, and that a person who
// has looked may choose by hash. The message has one link that shows them. Its token names
// no plan, so it approves none; the page that it shows makes a token for each candidate,
// of the same channel and time, and these go the way of every other token.

// choosing adds the candidates to a refusal because none was named.
type choosing struct {
	error
	candidates []incident.Plan
}

func (c *choosing) Unwrap() error { return c.error }

// chooseProblem tells, beside the refusal, what there is to choose.
type chooseProblem struct {
	problem
	Candidates []candidateView `json:"candidates"`
}

type candidateView struct {
	FixID string `json:"fixId"`
	Title string `json:"title"`
	Hash  string `json:"hash"`
}

func (c *choosing) problem(p problem) chooseProblem {
	shown := chooseProblem{p, []candidateView{}}
	for _, plan := range c.candidates {
		shown.Candidates = append(shown.Candidates, candidateView{plan.FixID, plan.Title, plan.Hash})
	}
	return shown
}

// choiceView is one candidate on the page; Form is nil where this link cannot choose it.
type choiceView struct {
	Fix  brief.FixText
	Form *formView
}

// choices are the candidates of an incident that waits for a decision. Only a link that
// may approve gets forms: all of them if it names no plan, else the one it names.
func (s *server) choices(x *exchange, said word, b brief.Brief) ([]choiceView, error) {
	var all []choiceView
	for _, fix := range b.Candidates {
		c := choiceView{Fix: fix}
		claims := *said.link
		if claims.Action == incident.Approve && (claims.PlanHash == "" || claims.PlanHash == fix.PlanHash) {
			keys, err := s.LinkKeys(x.r.Context())
			if err != nil {
				return nil, incident.Unavail("the link keys cannot be read at the moment", err)
			}
			claims.PlanHash = fix.PlanHash
			one := said
			one.link, one.token = &claims, keys.Mint(claims)
			c.Form = s.page.form(one)
			c.Form.Button, c.Form.Suffix = "Choose this fix and run it", strconv.Itoa(len(all)+1)
		}
		all = append(all, c)
	}
	return all, nil
}
