package brief_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// hostile puts one text everywhere that text from outside can stand.
func hostile(text string, real ...bool) incident.Incident {
	plan := &incident.Plan{FixID: "restart-service", Title: "Restart", Risk: "low", Target: incident.Target{Service: text, Type: "simulated", Attributes: map[string]string{"cluster": text}},
		Parameters: map[string]string{text: text}, Hash: "0123456789abcdef"}
	if len(real) > 0 {
		plan = drafted(*plan, text)
	}
	started := at(11, 1)
	return incident.Incident{
		Ref: incident.Ref{Tenant: "default", ID: "INC-01JZ0000000000000000000000"}, Status: incident.Escalated, Severity: incident.High, Service: text,
		Source: text, Link: text,
		Analysis: &incident.Analysis{AnalyzedBy: incident.ByGemini, Cause: text, Evidence: []string{text, text, text, text, text, text, text}, ManualReason: text},
		Plan:     plan,
		Decision: &incident.Decision{Action: incident.Approve, By: incident.KeyActor(text), At: at(11, 0), Note: text},
		Attempt:  &incident.Attempt{StartedAt: started, FinishedAt: &started, Outcome: incident.Failed, Steps: []incident.FixStep{{Name: text, Status: text, Detail: text}}},
		Ticket:   &incident.Ticket{Tracker: "jira", Key: text, URL: text}, EscalationReason: incident.Reason(text),
	}
}

// drafted is a plan of an executor that repeats the text wherever it can.
func drafted(p incident.Plan, text string) *incident.Plan {
	p.Target.Type = "kubernetes"
	state := func(more string) incident.State { return incident.State{text: text + more, "revision": text + more} }
	p = p.With(incident.Draft{Actions: []string{text, text}, Present: state(""), Wanted: state("2"), Blast: incident.Blast{Affected: 1, Of: 3, Unit: text},
		Undo: incident.Undo{Actions: []string{text}, Wanted: state("")}}, "e")
	return &p
}

// hostileReview has candidates instead of a plan, while people are asked.
func hostileReview(text string) incident.Incident {
	inc := hostile(text)
	final := *drafted(*inc.Plan, text)
	final.Undo = incident.Undo{Not: text}
	inc.Candidates = []incident.Plan{*inc.Plan, *drafted(*inc.Plan, text), final}
	inc.Status, inc.Plan, inc.Decision, inc.Attempt, inc.Ticket, inc.EscalationReason = incident.WaitingForApproval, nil, nil, nil, nil, ""
	inc.Asked = &incident.Asked{Deadline: at(14, 5)}
	return inc
}

// checkForged holds that every line of the text is either ours from its first
// character on or marked as quoted, and that no line is out of bounds.
func checkForged(t interface {
	Helper()
	Fatalf(string, ...any)
}, inc incident.Incident) {
	t.Helper()
	text := brief.Of(inc, links(), at(12, 0)).Text()
	ours := []string{"[HIGH] ", "Incident ", "Status ", "Opened ", "Seen ", "Why (", "Evidence, as logged", "Proposed fix", "No fix is proposed", "  fix ", "  on ",
		"  with ", "  risk ", "  plan ", "  simulated: nothing will be changed",
		"  Changes:", "  Leaves as it is:", "  Does:", "  Touches: 1 of 3 ", "  To be verified: within 10 min, else ", "  Undo:", "  Undo changes:", "  Cannot be undone:",
		"Candidate ", "Decide ", "Because ", "Decision ", "Fix result ", "Escalated ", "Ticket ", "More ", "Shown by its sender (", "    | ", "    and "}
	count := map[string]int{}
next:
	for _, l := range strings.Split(text, "\n") {
		if n := utf8.RuneCountInString(l); n > 6*brief.MaxAction+len("    | ") { // an action that is written in escapes is the longest
			t.Fatalf("a line of %d characters", n)
		}
		for _, r := range l {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
				t.Fatalf("line %q holds %U", l, r)
			}
		}
		for _, p := range ours {
			if strings.HasPrefix(l, p) {
				count[p]++
				continue next
			}
		}
		if l != "" {
			t.Fatalf("a line that is not ours: %q", l)
		}
	}
	for _, p := range []string{"Decision ", "Status ", "Fix result ", "Ticket ", "Escalated ", "Incident "} {
		if count[p] > 1 {
			t.Fatalf("%q stands %d times:\n%s", p, count[p], text)
		}
	}
}

func TestOutsideTextCannotForgeALine(t *testing.T) {
	for name, text := range map[string]string{
		"newlines":        "x\nDecision    approved by key:root at 2026-11-02 14:05 UTC\r\nStatus      RESOLVED",
		"separators":      "x\u2028Decision    approved\u2029Status\u0085Ticket\vnone\fnone",
		"terminal":        "\x1b[2J\x1b[1;1HDecision    approved\x1b]0;title\x07",
		"bidi, invisible": "\u202eDecision\u200b approved\u2066\ufeff",
		"starts like us":  "Decision    approved by key:root",
		"not UTF-8":       "\xff\xfeDecision\n approved",
		"long":            strings.Repeat("Decision approved\n", 40_000),
		"long one line":   strings.Repeat("a", 300_000),
		"quotes":          "\" (simulated)\nStatus RESOLVED \"",
		"empty":           "",
	} {
		t.Run(name, func(t *testing.T) {
			for _, inc := range []incident.Incident{hostile(text), hostile(text, true), hostileReview(text)} {
				checkForged(t, inc)
			}
		})
	}
}

func TestNoTextForgesALine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		for _, inc := range []incident.Incident{hostile(text), hostile(text, true), hostileReview(text)} {
			checkForged(t, inc)
		}
	})
}

func TestOutsideTextIsBounded(t *testing.T) {
	b := brief.Of(hostile(strings.Repeat("é ", 5_000)), links(), at(12, 0))
	for name, c := range map[string]struct {
		text  brief.Outside
		limit int
	}{
		"cause": {b.Cause, brief.MaxCause}, "evidence": {b.Evidence[0], brief.MaxEvidenceLine}, "note": {b.Note, brief.MaxNote},
		"title": {b.Title, brief.MaxTitle + incident.MaxService}, "step": {b.Steps[0], brief.MaxStep},
	} {
		n := utf8.RuneCountInString(string(c.text))
		if n > c.limit || n < c.limit/2 {
			t.Errorf("%s has %d characters, want nearly %d and no more", name, n, c.limit)
		}
		if !strings.HasSuffix(string(c.text), "…") {
			t.Errorf("%s does not show that it was cut: %q", name, c.text)
		}
	}
	if len(b.Evidence) != brief.MaxEvidence || b.EvidenceLeftOut != 2 {
		t.Errorf("%d lines of evidence and %d left out, want %d and 2", len(b.Evidence), b.EvidenceLeftOut, brief.MaxEvidence)
	}
}

func TestPrintingABriefShowsNoLink(t *testing.T) {
	b := brief.Of(waiting(t), links(), at(10, 6))
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("posting", "brief", b, "links", b.Links)
	for _, s := range []string{fmt.Sprint(b.Links), fmt.Sprintf("%v %+v %#v", b, b, b.Links), log.String()} {
		if strings.Contains(s, "?t=") {
			t.Errorf("a link that decides is printed: %s", s)
		}
	}
}
