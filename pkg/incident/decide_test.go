package incident

import (
	"testing"
	"time"
)

// waiting returns an incident that people have been asked about.
func waiting(t *testing.T, plan *Plan) Incident {
	t.Helper()
	inc := Open(New{Ref: testRef(), Alert: testAlert(), By: SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: epoch}).Incident
	var p *Proposal
	if plan != nil {
		p = &Proposal{FixID: plan.FixID, Parameters: plan.Parameters}
	}
	c, err := inc.Propose(Analysis{AnalyzedBy: ByRules, Cause: "c"}, p, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.Incident.Planned(Planning{Plan: plan}, epoch); err != nil {
		t.Fatal(err)
	}
	c, err = c.Incident.Await(Ask{Token: NewTaskToken("tok"), EnteredAt: epoch, Now: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return c.Incident
}

func decide(t *testing.T, inc Incident, a Action, by Actor, at time.Time) Incident {
	t.Helper()
	c, err := inc.Vote(Vote{Action: a, By: by}, Verdict{Allowed: true, Decides: true, Reason: "may"}, at)
	if err != nil {
		t.Fatal(err)
	}
	return c.Incident
}

func TestVoteIsRefusedForTheFirstReasonThatApplies(t *testing.T) {
	plan := testPlan("d1")
	open := waiting(t, plan)
	detected := Open(New{Ref: testRef(), Alert: testAlert(), ApprovalTimeout: 4 * time.Hour, Now: epoch}).Incident
	approved := decide(t, open, Approve, "key:a", epoch)
	settled, _ := open.Settle(ReasonApprovalTimeout, epoch.Add(5*time.Hour))
	late := open.Asked.Deadline
	for _, c := range []struct {
		name string
		inc  Incident
		vote Vote
		ok   bool // what the policy says
		at   time.Time
		want Code
	}{
		{"allowed", open, Vote{Action: Approve, By: "key:a"}, true, epoch, ""},
		{"policy before everything", approved, Vote{Action: Escalate, By: "key:b"}, false, late, CodeForbidden},
		{"one millisecond before the deadline", open, Vote{Action: Approve, By: "key:a"}, true, late.Add(-time.Millisecond), ""},
		{"at the deadline", open, Vote{Action: Approve, By: "key:a"}, true, late, CodeExpired},
		{"timed out", settled.Incident, Vote{Action: Escalate, By: "key:a"}, true, epoch, CodeExpired},
		{"deadline before already decided", approved, Vote{Action: Escalate, By: "key:b"}, true, late, CodeExpired},
		{"not waiting", detected, Vote{Action: Approve, By: "key:a"}, true, epoch, CodeNotWaiting},
		{"nothing to approve", waiting(t, nil), Vote{Action: Approve, By: "key:a"}, true, epoch, CodeNoFix},
		{"resolve a manual review", waiting(t, nil), Vote{Action: Resolve, By: "key:a"}, true, epoch, ""},
		{"already decided otherwise", approved, Vote{Action: Escalate, By: "key:b"}, true, epoch, CodeAlreadyDecided},
		{"the same decision again", approved, Vote{Action: Approve, By: "key:b"}, true, epoch, ""},
		{"the same decision again, late", approved, Vote{Action: Approve, By: "key:b"}, true, late, ""},
		{"the same decision on another plan", approved, Vote{Action: Approve, By: "key:b", PlanHash: testPlan("d2").Hash}, true, epoch, CodeAlreadyDecided},
		{"another plan", open, Vote{Action: Approve, By: "key:a", PlanHash: testPlan("d2").Hash}, true, epoch, CodePlanChanged},
		{"this plan", open, Vote{Action: Approve, By: "key:a", PlanHash: plan.Hash}, true, epoch, ""},
	} {
		_, err := c.inc.Vote(c.vote, Verdict{Allowed: c.ok, Decides: true}, c.at)
		if got := CodeOf(err); got != c.want || err != nil && c.want == "" {
			t.Errorf("%s: got %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

func TestDeadlineLeavesTimeToDeliver(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		2 * time.Second: 1500 * time.Millisecond, time.Minute: 45 * time.Second,
		4 * time.Minute: 3 * time.Minute, 4 * time.Hour: 4*time.Hour - time.Minute,
	} {
		if got := DeadlineFor(epoch, timeout).Sub(epoch); got != want {
			t.Errorf("timeout %s: decisions close after %s, want %s", timeout, got, want)
		}
	}
}

// A clock that is behind must not reopen what a later one has closed.
func TestAClockThatIsBehindReopensNoDeadline(t *testing.T) {
	inc := waiting(t, testPlan("d1"))
	c, err := inc.Notified(nil, true, inc.Asked.Deadline)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Incident.Vote(Vote{Action: Approve, By: "key:a"}, Verdict{Allowed: true, Decides: true}, epoch)
	if CodeOf(err) != CodeExpired {
		t.Errorf("got %v", err)
	}
}

// When fewer votes are needed than when one was given, giving it again decides.
func TestAVoteCountedBeforeDecidesWhenTheQuorumWasLowered(t *testing.T) {
	c, err := waiting(t, testPlan("d1")).Vote(Vote{Action: Approve, By: "key:a"}, Verdict{Allowed: true, Have: 1, Needed: 2}, epoch)
	if err != nil || c.Incident.Decision != nil {
		t.Fatal(err, c.Incident.Decision)
	}
	c, err = c.Incident.Vote(Vote{Action: Approve, By: "key:a"}, Verdict{Allowed: true, Decides: true, Have: 1, Needed: 1}, epoch)
	if err != nil || c.Incident.Decision == nil || len(c.Incident.Votes) != 1 {
		t.Errorf("%v, decision %+v, votes %v", err, c.Incident.Decision, c.Incident.Votes)
	}
}
