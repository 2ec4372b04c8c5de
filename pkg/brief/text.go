package brief

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// quoted begins every line of Text that holds text from outside, so that none
// can pass for one of ours.
const quoted = "    | "

// Text renders the brief as plain text, for tickets and the command line. It
// holds no link that decides.
func (b Brief) Text() string {
	var t textWriter
	t.printf("[%s] %s\n", strings.ToUpper(string(b.Severity)), b.Title)
	t.field("Incident", b.IncidentID)
	t.field("Status", string(b.Status)+", "+b.StatusLine)
	t.field("Opened", incident.FormatTime(b.Opened))
	if b.Occurrences > 1 {
		t.field("Seen", fmt.Sprintf("%d times", b.Occurrences))
	}
	if b.SourceLink != "" {
		t.printf("\nShown by its sender (%s) at\n", b.Source)
		t.quote(b.SourceLink)
	}
	if b.CauseBy != "" {
		t.printf("\nWhy (%s)\n", b.CauseBy)
		t.quote(b.Cause)
	}
	if len(b.Evidence) > 0 {
		t.printf("\nEvidence, as logged\n")
		t.quote(b.Evidence...)
		if b.EvidenceLeftOut > 0 {
			t.printf("    and %d more\n", b.EvidenceLeftOut)
		}
	}
	if b.Fix != nil {
		t.fix(*b.Fix)
	}
	if b.ManualReason != "" {
		t.printf("\nNo fix is proposed\n")
		t.quote(b.ManualReason)
	}
	for _, c := range b.Candidates {
		t.fix(c)
	}
	t.progress(b)
	t.others(b)
	return t.String()
}

type textWriter struct{ strings.Builder }

func (t *textWriter) printf(format string, args ...any) { fmt.Fprintf(t, format, args...) }

func (t *textWriter) field(name, value string) {
	if value != "" {
		t.printf("%-11s %s\n", name, value)
	}
}

func (t *textWriter) quote(lines ...Outside) {
	for _, l := range lines {
		if l != "" {
			t.printf("%s%s\n", quoted, l)
		}
	}
}

func (t *textWriter) fix(f FixText) {
	t.printf("\n%s\n", f.Heading)
	t.field("  fix", f.Title+" ("+f.ID+")")
	t.field("  on", f.Target)
	for _, p := range f.Parameters {
		t.field("  with", string(p))
	}
	t.field("  risk", f.Risk)
	t.field("  plan", cmp.Or(f.PlanHash, f.PlanHashShort))
	if f.Simulated != "" {
		t.printf("  %s\n", f.Simulated)
	}
	for _, p := range f.Parts {
		if p.Said != "" {
			t.printf("  %s: %s\n", p.Label, p.Said)
			continue
		}
		t.printf("  %s:\n", p.Label)
		t.quote(p.Lines...)
	}
}

// progress is what happened since people were asked.
func (t *textWriter) progress(b Brief) {
	t.printf("\n")
	t.field("Decide", b.Until)
	t.field("Because", b.AskedBecause)
	t.field("Approvals", strings.Join(b.Approvals, ", "))
	t.field("Decision", b.Decision)
	t.quote(b.Note)
	t.field("Fix result", b.Outcome)
	t.quote(b.Steps...)
	t.field("Escalated", b.Escalated)
	t.field("Ticket", string(b.Ticket))
	t.quote(b.TicketURL)
	t.field("More", b.Links.View)
}
