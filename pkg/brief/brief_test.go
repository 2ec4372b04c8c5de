package brief_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestTextIsTheGoldenOne(t *testing.T) {
	jira := incident.Ticket{Tracker: "jira", Key: "OPS-12", URL: "https://example.test/browse/OPS-12"}
	ok := []incident.FixStep{{Name: "drain", Status: "simulated", Detail: "1 of 3 instances"}, {Name: "restart", Status: "simulated"}}
	type textCase struct {
		name string
		inc  incident.Incident
		now  time.Time
	}
	cases := []textCase{
		{"detected", detected(), at(10, 5)},
		{"waiting_with_fix", waiting(t), at(10, 6)},
		{"manual_review", review(t, "The model found no fix among those allowed for this service."), at(10, 6)},
		{"unknown_service", review(t, `"prod-api-01" is not listed in services.yaml, so no fix may be proposed for it. Add it there with an owner, a target and its allowed fixes, and restart or deploy.`), at(10, 6)},
		{"executing", executing(t), at(11, 1)},
		{"approved_simulated", finished(t, incident.Result{Outcome: incident.Simulated, Verified: true, Steps: ok}), at(11, 3)},
		{"failed_before_ticket", executed(t, incident.Result{Outcome: incident.Failed}), at(11, 3)},
		{"failed_ticket", ticketed(t, finished(t, incident.Result{Outcome: incident.Failed}), jira), at(11, 3)},
		{"timeout_ticket", closed(t, ticketed(t, timedOut(t), incident.Ticket{Tracker: "simulated", Key: "SIM-1"})), at(14, 6)},
		{"resolved_after_timeout", afterwards(t, "key:anna"), at(15, 0)},
		{"recovered_after_timeout", afterwards(t, "source:api"), at(15, 0)},
		{"timeout_no_ticket", closed(t, timedOut(t)), at(14, 6)},
		{"resolved_by_hand", closed(t, decide(t, review(t, "no fix"), incident.Resolve, incident.LinkActor("discord"), "restarted it myself")), at(14, 6)},
		{"recovered", recovered(t), at(10, 31)},
	}
	for name, inc := range planCases(t) {
		cases = append(cases, textCase{name, inc, at(11, 2)})
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := brief.Of(tc.inc, links(), tc.now).Text()
			file := filepath.Join("testdata", tc.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("text differs from %s (-want +got):\n%s", file, diff)
			}
			if strings.Contains(got, "?t=") {
				t.Error("the text holds a link that decides")
			}
		})
	}
}

func TestLinksThatCannotBeUsedAreLeftOut(t *testing.T) {
	view := brief.Links{View: links().View}
	noFix := links()
	noFix.Approve = ""
	for _, tc := range []struct {
		name string
		inc  incident.Incident
		now  time.Time
		want brief.Links
	}{
		{"waiting", waiting(t), at(10, 6), links()},
		{"a moment before the deadline", waiting(t), waiting(t).Asked.Deadline.Add(-1), links()},
		{"at the deadline", waiting(t), waiting(t).Asked.Deadline, view},
		{"manual review", review(t, "why"), at(10, 6), noFix},
		{"being analysed", detected(), at(10, 5), view},
		{"decided", decide(t, waiting(t), incident.Approve, incident.Local, ""), at(11, 0), view},
		{"closed", recovered(t), at(11, 0), view},
	} {
		b := brief.Of(tc.inc, links(), tc.now)
		if b.Links != tc.want {
			t.Errorf("%s: links differ: %s", tc.name, cmp.Diff(fmt.Sprintf("%q", tc.want.Approve), fmt.Sprintf("%q", b.Links.Approve)))
		}
		if asks := tc.want.Escalate != ""; b.Asked != asks || (b.Until != "") != asks || b.Deadline.IsZero() == asks {
			t.Errorf("%s: Asked is %v, Until %q, Deadline %v; want them as the links", tc.name, b.Asked, b.Until, b.Deadline)
		}
	}
}

func TestEveryReasonHasWords(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range []incident.Reason{
		incident.ReasonChosen, incident.ReasonApprovalTimeout, incident.ReasonApprovalStale, incident.ReasonPlanStale, incident.ReasonTargetBusy,
		incident.ReasonExecutionStopped, incident.ReasonFixFailed, incident.ReasonFixUnverified, incident.ReasonFixUnknown, incident.ReasonDecisionUndelivered, incident.ReasonStepFailed,
	} {
		words := brief.ReasonText(r)
		if seen[words] || strings.HasPrefix(words, "the reason ") {
			t.Errorf("%s has no words of its own: %q", r, words)
		}
		seen[words] = true
	}
}

func TestOutcomeSaysNoMoreThanTheRecord(t *testing.T) {
	const kept = "; in case it goes on, no other fix runs on its target before 2026-11-02 11:16 UTC"
	for _, tc := range []struct {
		name string
		inc  incident.Incident
		want string
	}{
		{"never heard of again", closed(t, executing(t)),
			"unknown: started at 2026-11-02 11:01 UTC and never heard of again; it may or may not have been applied" + kept},
		{"unknown", finished(t, incident.Result{Outcome: incident.Unknown}), "unknown: it may or may not have been applied" + kept},
		{"unknown, and nothing can go on", finished(t, incident.Result{Outcome: incident.Unknown, Over: true}),
			"unknown: it may or may not have been applied"},
		{"failed", finished(t, incident.Result{Outcome: incident.Failed}), "failed"},
		{"fixed and verified", finished(t, incident.Result{Outcome: incident.Fixed, Verified: true}), "applied; the check after it passed"},
		{"fixed, not verified", finished(t, incident.Result{Outcome: incident.Fixed}), "applied; the check after it did not pass"},
		{"simulated", finished(t, incident.Result{Outcome: incident.Simulated, Verified: true}), "simulated: walked through, nothing was changed"},
		{"running", executing(t), "running since 2026-11-02 11:01 UTC"},
		{"not started", waiting(t), ""},
	} {
		if got := brief.Of(tc.inc, links(), at(14, 6)).Outcome; got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

// An approved fix that has not started says why not, and for which other one it waits.
func TestAnApprovedFixThatHasNotStartedSaysWhatItWaitsFor(t *testing.T) {
	const holder = "INC-01JZ0000000000000000000001"
	approved := decide(t, waiting(t), incident.Approve, incident.Local, "")
	queued := approved.Queue(holder, "", at(11, 1)).Incident
	refused := func(inc incident.Incident, r incident.Reason) incident.Incident {
		c, err := inc.Refuse(r, at(11, 16))
		return must(t, c, err)
	}
	for _, tc := range []struct {
		name string
		inc  incident.Incident
		line string // the status line
		why  string // why it is escalated, or is about to be
	}{
		{"its turn", approved, "approved; the fix is about to start", ""},
		{"queued", queued, "approved; waiting for " + holder + " to finish on the same target", ""},
		{"too old", refused(approved, incident.ReasonApprovalStale), "the approved fix was not started; being escalated",
			brief.ReasonText(incident.ReasonApprovalStale)},
		{"recovered", refused(queued, "recovered"), "recovered before the approved fix started; being closed", ""},
		{"queued in vain", refused(queued, incident.ReasonTargetBusy), "the approved fix was not started; being escalated",
			brief.ReasonText(incident.ReasonTargetBusy) + ": that of " + holder},
		{"closed", closed(t, refused(queued, incident.ReasonTargetBusy)), brief.ReasonText(incident.ReasonTargetBusy) + ": that of " + holder,
			brief.ReasonText(incident.ReasonTargetBusy) + ": that of " + holder},
	} {
		if b := brief.Of(tc.inc, links(), at(11, 16)); b.StatusLine != tc.line || b.Escalated != tc.why {
			t.Errorf("%s: %q, escalated for %q; want %q, %q", tc.name, b.StatusLine, b.Escalated, tc.line, tc.why)
		}
	}
}

func TestUntilNamesTheDayWhenItIsNotToday(t *testing.T) {
	inc := waiting(t)
	for _, tc := range []struct {
		before time.Duration
		want   string
	}{
		{3*time.Hour + 59*time.Minute + 59*time.Second, "until 14:05 UTC (in 3 h 59 min)"},
		{59 * time.Second, "until 14:05 UTC (in 59 s)"},
		{5 * time.Minute, "until 14:05 UTC (in 5 min)"},
		{24 * time.Hour, "until 2026-11-02 14:05 UTC (in 24 h 0 min)"},
	} {
		if got := brief.Of(inc, links(), inc.Asked.Deadline.Add(-tc.before)).Until; got != tc.want {
			t.Errorf("%s before: got %q, want %q", tc.before, got, tc.want)
		}
	}
}

func TestWhereTheSenderShowsItIsSaidOnlyIfItIsKnown(t *testing.T) {
	inc := detected()
	b := brief.Of(inc, links(), at(10, 5))
	if b.SourceLink != "https://monitor.example.test/d/7?from=now-1h" || b.Source != "api" {
		t.Errorf("%q by %q", b.SourceLink, b.Source)
	}
	inc.Link = ""
	if text := brief.Of(inc, links(), at(10, 5)).Text(); strings.Contains(text, "sender") {
		t.Errorf("a sender is named that shows nothing:\n%s", text)
	}
}

// The alert's source reported recovery while the fix ran, the fix failed all the same, and
// a person resolved it: that is who did.
func TestAPersonWhoResolvesAfterAnEarlyRecoveryIsNamed(t *testing.T) {
	inc := afterwards(t, "key:anna")
	early := at(11, 0)
	inc.RecoveredAt = &early
	if b := brief.Of(inc, links(), at(15, 0)); b.StatusLine != "by key:anna, after it had been escalated" {
		t.Errorf("%q", b.StatusLine)
	}
}
