package console

import (
	"fmt"
	"net/url"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// command writes what something is for and the line to paste, which is never
// wrapped.
func (p *page) command(what, line string) {
	p.blank()
	p.line("  " + what)
	p.line("    " + line)
}

// words say what each decision does.
func words(a incident.Action) string {
	switch a {
	case incident.Approve:
		return "approve: the fix runs"
	case incident.Escalate:
		return "escalate: no fix runs, a ticket is opened"
	}
	return "resolve: no fix runs, it is dealt with"
}

func (c *Channel) decide(p *page, b brief.Brief) {
	actions := []incident.Action{incident.Approve, incident.Escalate, incident.Resolve}
	if b.Fix == nil {
		actions = []incident.Action{incident.Resolve, incident.Escalate}
	}
	if c.keyless {
		for n, f := range b.Candidates {
			p.command(fmt.Sprintf("choose candidate %d: the fix runs", n+1),
				`curl -X POST "`+c.approveFix()+`" `+fields(b.IncidentID, incident.Approve, f.PlanHash))
		}
		for _, a := range actions {
			p.command(words(a), `curl "`+c.approveFix()+"?"+query(b.IncidentID, a)+`"`)
		}
		return
	}
	links := map[incident.Action]string{incident.Approve: b.Links.Approve, incident.Escalate: b.Links.Escalate, incident.Resolve: b.Links.Resolve}
	if b.Links.Choose != "" {
		p.command("choose one of the fixes above (open it; the page asks once more)", b.Links.Choose)
	}
	for _, a := range actions {
		if links[a] != "" {
			p.command(words(a)+" (open it; the page asks once more)", links[a])
		}
	}
	p.blank()
	p.line("  or with an operator's key, action=" + string(actions[0]) + " or one of the others")
	p.line(`    curl -X POST -H "Authorization: Bearer $OPSGUARD_KEY" \`)
	p.line(`      "` + c.approveFix() + `" \`)
	p.line(`      ` + fields(b.IncidentID, actions[0], ""))
	for n, f := range b.Candidates {
		p.line(fmt.Sprintf("  or, to choose candidate %d, with these fields", n+1))
		p.line(`      ` + fields(b.IncidentID, incident.Approve, f.PlanHash))
	}
}

// fields are those of POST /approve-fix, as curl takes them.
func fields(id string, a incident.Action, planHash string) string {
	s := `-d "incidentId=` + url.QueryEscape(id) + `" -d "action=` + string(a) + `"`
	if planHash != "" {
		s += ` -d "planHash=` + url.QueryEscape(planHash) + `"`
	}
	return s
}

// query leaves the action out when it is the default one, approve: that is the
// shortest line to type by hand.
func query(id string, a incident.Action) string {
	q := "incidentId=" + url.QueryEscape(id)
	if a != incident.Approve {
		q += "&action=" + string(a)
	}
	return q
}

func (c *Channel) approveFix() string { return c.publicURL + "/approve-fix" }

func (c *Channel) view(b brief.Brief) string {
	key := ""
	if !c.keyless {
		key = `-H "Authorization: Bearer $OPSGUARD_KEY" `
	}
	return "curl " + key + `"` + c.publicURL + "/incidents/" + url.PathEscape(b.IncidentID) + `"`
}
