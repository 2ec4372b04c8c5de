package incident

import (
	"testing"
	"time"
)

func TestClaimIsRefusedUnlessEverythingHolds(t *testing.T) {
	plan := testPlan("d1")
	open := waiting(t, plan)
	approved := decide(t, open, Approve, "key:a", epoch)
	tampered := approved
	evil := *plan
	evil.Target.Service = "prod-db-01"
	tampered.Plan = &evil
	recovered, _ := approved.Recover(epoch)
	refused, _ := approved.Refuse(ReasonTargetBusy, epoch)
	claimed, _ := approved.Claim(Claimer{}, plan, epoch)
	for _, c := range []struct {
		name  string
		inc   Incident
		today *Plan
		at    time.Time
		want  Code
	}{
		{"approved", approved, plan, epoch.Add(MaxApprovalAge), ""},
		{"not approved", open, plan, epoch, CodeNotApproved},
		{"escalated instead", decide(t, open, Escalate, "key:a", epoch), plan, epoch, CodeNotApproved},
		{"plan changed in the store", tampered, &evil, epoch, CodeNotApproved},
		{"approval too old", approved, plan, epoch.Add(MaxApprovalAge + time.Millisecond), CodeApprovalStale},
		{"plan resolves to something else", approved, testPlan("d2"), epoch, CodePlanStale},
		{"plan no longer resolves", approved, nil, epoch, CodePlanStale},
		{"recovered", recovered.Incident, plan, epoch, CodeRecovered},
		{"refused before", refused.Incident, plan, epoch, CodeRefused},
		{"claimed before", claimed.Incident, plan, epoch, CodeAlreadyClaimed},
	} {
		_, err := c.inc.Claim(Claimer{}, c.today, c.at)
		if got := CodeOf(err); got != c.want || err != nil && c.want == "" {
			t.Errorf("%s: got %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

// Two calls that claim at the same millisecond write different events, so that a
// store that lost an answer does not take the other's claim for its own.
func TestEveryCallsClaimIsItsOwn(t *testing.T) {
	plan := testPlan("d1")
	approved := decide(t, waiting(t, plan), Approve, "key:a", epoch)
	hashes := map[string]bool{}
	for _, call := range []string{"one", "two"} {
		c, err := approved.Claim(Claimer{Call: call}, plan, epoch)
		if err != nil {
			t.Fatal(err)
		}
		hashes[c.Event.Hash] = true
	}
	if len(hashes) != 2 {
		t.Error("the claims of two calls are the same event")
	}
}

// Waiting for a turn is told once for each fix that is waited for, and only while
// the approved fix waits.
func TestWaitingForATurnIsRecordedOncePerHolder(t *testing.T) {
	plan := testPlan("d1")
	approved := decide(t, waiting(t, plan), Approve, "key:a", epoch)
	first := approved.Queue("INC-A", "", epoch.Add(time.Second))
	if first.Event.Action != EventFixQueued || first.Event.Details["heldBy"] != "INC-A" || first.Event.Details["target"] != plan.Target.Key() {
		t.Fatalf("recorded %+v", first.Event)
	}
	if again := first.Incident.Queue("INC-A", "", epoch.Add(time.Minute)); !again.Empty() {
		t.Errorf("the same holder is told twice: %+v", again.Event)
	}
	next := first.Incident.Queue("INC-B", "", epoch.Add(time.Minute))
	if q := next.Incident.Queued; q == nil || q.Holder != "INC-B" || !q.Since.Equal(epoch.Add(time.Second)) {
		t.Errorf("after another took the target: %+v", q)
	}
	refused, err := next.Incident.Refuse(ReasonTargetBusy, epoch.Add(time.Hour))
	if err != nil || refused.Event.Details["waitedFor"] != "INC-B" || refused.Event.Details["waitedSince"] != FormatTime(epoch.Add(time.Second)) {
		t.Errorf("the refusal says %v %v", refused.Event.Details, err)
	}
	claimed, err := next.Incident.Claim(Claimer{}, plan, epoch.Add(2*time.Minute))
	if err != nil || claimed.Incident.Queued != nil {
		t.Errorf("after its turn came: %+v %v", claimed.Incident.Queued, err)
	}
	for name, inc := range map[string]Incident{"undecided": waiting(t, plan), "claimed": claimed.Incident, "refused": refused.Incident,
		"escalated": decide(t, waiting(t, plan), Escalate, "key:a", epoch)} {
		if c := inc.Queue("INC-A", "", epoch); !c.Empty() {
			t.Errorf("%s: it waits for a turn: %+v", name, c.Event)
		}
	}
}

func TestALateResultIsKeptButTheStatusStays(t *testing.T) {
	plan := testPlan("d1")
	c, err := decide(t, waiting(t, plan), Approve, "key:a", epoch).Claim(Claimer{}, plan, epoch)
	if err != nil {
		t.Fatal(err)
	}
	c, err = c.Incident.Close("", epoch)
	if err != nil || c.Incident.EscalationReason != ReasonFixUnknown {
		t.Fatalf("close under a running fix: %v %s", err, c.Incident.EscalationReason)
	}
	c, err = c.Incident.Record(Result{Outcome: Fixed, Verified: true}, epoch)
	if err != nil || c.Event.Action != EventFixLate || c.Incident.Status != Escalated || c.Free == "" {
		t.Fatalf("late result: %v, event %s, status %s, free %q", err, c.Event.Action, c.Incident.Status, c.Free)
	}
}

func TestWhatWasConcludedByALookIsNotRewritten(t *testing.T) {
	plan := testPlan("d1")
	c, err := decide(t, waiting(t, plan), Approve, "key:a", epoch).Claim(Claimer{}, plan, epoch)
	if err != nil {
		t.Fatal(err)
	}
	looked, err := c.Incident.Record(Result{Outcome: Fixed, Verified: true, Looked: true}, epoch)
	if err != nil || looked.Free != "" || looked.Event.Details["looked"] != "true" {
		t.Fatalf("a look: %v, frees %q, %v", err, looked.Free, looked.Event.Details)
	}
	again, err := looked.Incident.Record(Result{Outcome: Unknown, Looked: true}, epoch)
	if err != nil || !again.Empty() {
		t.Fatalf("a second look: %v %+v", err, again.Event)
	}
	heard, err := looked.Incident.Record(Result{Outcome: Failed}, epoch)
	if err != nil || heard.Free == "" || heard.Event.Action != EventFixLate || heard.Incident.Attempt.Outcome != Fixed {
		t.Fatalf("the one that acted: %v, frees %q, %s, %+v", err, heard.Free, heard.Event.Action, heard.Incident.Attempt)
	}
}

// A target goes back with the record of its fix's end, whoever records it, unless
// something of the fix may still be under way there.
func TestTheTargetGoesBackWithTheEndOfItsFix(t *testing.T) {
	plan := testPlan("d1")
	claim, err := decide(t, waiting(t, plan), Approve, "key:a", epoch).Claim(Claimer{Runner: "first"}, plan, epoch)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		r    Result
		free bool
	}{
		{"it was done", Result{Outcome: Fixed, Verified: true}, true},
		{"it failed", Result{Outcome: Failed}, true},
		{"the call that acted cannot tell", Result{Outcome: Unknown}, false},
		{"the call that acted cannot tell, of a fix that touches nothing", Result{Outcome: Unknown, Over: true}, true},
		{"a look, while the call that acted may still act", Result{Outcome: Fixed, Verified: true, Looked: true}, false},
		{"a look, by one who knows that nothing acts any more", Result{Outcome: Fixed, Verified: true, Looked: true, Over: true}, true},
		{"a look that cannot tell", Result{Outcome: Unknown, Looked: true}, false},
	} {
		got, err := claim.Incident.Record(c.r, epoch)
		if err != nil || (got.Free != "") != c.free || got.Incident.Holds(epoch) == c.free || (got.Event.Details["targetHeldUntil"] == "") != c.free {
			t.Errorf("%s: %v, frees %q, held %v, %v", c.name, err, got.Free, got.Incident.Attempt.Held, got.Event.Details)
		}
	}
	if claim.Incident.Holds(claim.Incident.Attempt.Until) {
		t.Error("a hold that has lapsed still holds")
	}
}

func TestConclusionFollowsFromTheRecordAlone(t *testing.T) {
	plan := testPlan("d1")
	open := waiting(t, plan)
	approved := decide(t, open, Approve, "key:a", epoch)
	claimed := func(o Outcome, verified bool) Incident {
		c, err := approved.Claim(Claimer{}, plan, epoch)
		if err != nil {
			t.Fatal(err)
		}
		if o == "" {
			return c.Incident
		}
		c, err = c.Incident.Record(Result{Outcome: o, Verified: verified}, epoch)
		if err != nil {
			t.Fatal(err)
		}
		return c.Incident
	}
	refused := func(r Reason) Incident { c, _ := approved.Refuse(r, epoch); return c.Incident }
	settled := func(r Reason) Incident { c, _ := open.Settle(r, epoch); return c.Incident }
	for _, c := range []struct {
		inc    Incident
		status Status
		reason Reason
	}{
		{claimed(Fixed, true), Resolved, ""},
		{claimed(Simulated, true), Resolved, ""},
		{claimed(Fixed, false), Escalated, ReasonFixUnverified},
		{claimed(Failed, false), Escalated, ReasonFixFailed},
		{claimed(Unknown, false), Escalated, ReasonFixUnknown},
		{claimed(Unknown, true), Escalated, ReasonFixUnknown},
		{claimed("", false), Escalated, ReasonFixUnknown},
		{refused(ReasonApprovalStale), Escalated, ReasonApprovalStale},
		{refused(refusalRecovered), Resolved, ""},
		{decide(t, open, Resolve, "key:a", epoch), Resolved, ""},
		{decide(t, open, Escalate, "key:a", epoch), Escalated, ReasonChosen},
		{settled(ReasonApprovalTimeout), Escalated, ReasonApprovalTimeout},
		{settled(ReasonStepFailed), Escalated, ReasonStepFailed},
		{approved, Escalated, ReasonStepFailed},
		{open, Escalated, ReasonStepFailed},
	} {
		status, reason := c.inc.Conclusion()
		if status != c.status || reason != c.reason {
			t.Errorf("decision %+v refusal %q attempt %+v: got %s %s, want %s %s", c.inc.Decision, c.inc.Refusal, c.inc.Attempt, status, reason, c.status, c.reason)
		}
	}
}
