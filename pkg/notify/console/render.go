package console

import (
	"fmt"
	"strings"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// post is the whole story: what happened, why, the evidence, the fix, until
// when, and last, where the cursor is, the commands.
func (c *Channel) post(b brief.Brief) string {
	var p page
	p.blank()
	p.rule("=")
	head(&p, b)
	if b.CauseBy != "" {
		p.section("Why (" + b.CauseBy + ")")
		p.quote(b.Cause)
	}
	if len(b.Evidence) > 0 {
		p.section("Evidence, as logged")
		p.quote(b.Evidence...)
		if b.EvidenceLeftOut > 0 {
			p.line(fmt.Sprintf("    and %d more", b.EvidenceLeftOut))
		}
	}
	shown(&p, b)
	if b.Fix != nil {
		fix(&p, *b.Fix)
	}
	if b.ManualReason != "" {
		p.section("No fix is proposed")
		p.quote(b.ManualReason)
	}
	for _, c := range b.Candidates {
		fix(&p, c)
	}
	if b.Asked {
		p.section("Decide " + b.Until + ": " + b.AskedBecause)
		if len(b.Approvals) > 0 {
			p.text("", "Approved so far by "+strings.Join(b.Approvals, ", ")+"; more are needed.")
		}
		c.decide(&p, b)
	} else {
		p.blank()
		progress(&p, b)
	}
	p.command("look at it", c.view(b))
	p.rule("=")
	return p.String()
}

// edit is only what is new since the incident was posted.
func (c *Channel) edit(b brief.Brief) string {
	var p page
	p.blank()
	p.rule("-")
	head(&p, b)
	progress(&p, b)
	p.rule("-")
	return p.String()
}

func head(p *page, b brief.Brief) {
	p.outside("["+strings.ToUpper(string(b.Severity))+"] ", b.Title)
	p.text("", string(b.Status)+", "+b.StatusLine)
	seen := "seen once, "
	if b.Occurrences > 1 {
		seen = fmt.Sprintf("seen %d times, first ", b.Occurrences)
	}
	p.line(b.IncidentID + ", " + seen + incident.FormatTime(b.Opened))
}

// shown is where the sender shows it. An address is not wrapped, so that it can be copied.
func shown(p *page, b brief.Brief) {
	if b.SourceLink == "" {
		return
	}
	p.blank()
	p.wrap("", quoted+"  ", "Shown by its sender ("+b.Source+") at")
	if incident.CheckLink(string(b.SourceLink)) == nil {
		p.line(quoted + string(b.SourceLink))
		return
	}
	p.quote(b.SourceLink)
}

func fix(p *page, f brief.FixText) {
	p.section(f.Heading)
	p.text("  ", f.Title+" ("+f.ID+")")
	p.text("  ", "on "+f.Target+", risk "+f.Risk+", plan "+f.PlanHashShort)
	for _, param := range f.Parameters {
		p.outside("  with ", param)
	}
	if f.Simulated != "" {
		p.text("  ", f.Simulated)
	}
	for _, part := range f.Parts {
		if part.Said != "" {
			p.text("  ", part.Label+": "+part.Said)
			continue
		}
		p.text("  ", part.Label+":")
		p.quote(part.Lines...)
	}
}

func progress(p *page, b brief.Brief) {
	if len(b.Approvals) > 0 {
		p.field("Approvals", strings.Join(b.Approvals, ", "))
	}
	p.field("Decision", b.Decision)
	p.quote(b.Note)
	p.field("Fix result", b.Outcome)
	p.quote(b.Steps...)
	p.field("Escalated", b.Escalated)
	p.outside(margin("Ticket"), b.Ticket)
	p.quote(b.TicketURL)
}
