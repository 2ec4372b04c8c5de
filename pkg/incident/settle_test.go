package incident

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// executing is an incident whose fix was claimed at epoch plus a minute.
func executing(t *testing.T) Incident {
	t.Helper()
	inc := decide(t, waiting(t, testPlan("d1")), Approve, "key:a", epoch.Add(time.Minute))
	return must(t)(inc.Claim(Claimer{}, testPlan("d1"), epoch.Add(time.Minute)))
}

func must(t *testing.T) func(Change, error) Incident {
	return func(c Change, err error) Incident {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c.Incident
	}
}

func TestAFixSettlesUntilItIsVerified(t *testing.T) {
	inc := executing(t)
	if inc.Settling() {
		t.Error("it settles before the target has taken it")
	}
	at := epoch.Add(2 * time.Minute)
	inc = must(t)(inc.Took(State{"deployment": "7"}, nil, false, at))
	if !inc.Settling() || !inc.SettleSince().Equal(at) || !inc.SettleUntil().Equal(at.Add(DefaultFixLimit)) || inc.MayUndo(epoch.Add(4*time.Minute)) {
		t.Errorf("settling %v since %s until %s", inc.Settling(), inc.SettleSince(), inc.SettleUntil())
	}
	if status, reason := inc.Conclusion(); status != Escalated || reason != ReasonFixUnverified {
		t.Errorf("if nobody looked again it would end %s %s", status, reason)
	}
	c, err := inc.Record(Result{Outcome: Fixed, Verified: true, Looked: true, Over: true}, at.Add(time.Minute))
	inc = must(t)(c, err)
	if inc.Settling() || c.Free == "" || inc.Attempt.Held {
		t.Errorf("verified: settling %v, frees %q", inc.Settling(), c.Free)
	}
	if status, _ := inc.Conclusion(); status != Resolved {
		t.Errorf("it would end %s", status)
	}
}

func TestTheTargetIsHeldForAsLongAsTheFixSettles(t *testing.T) {
	inc := must(t)(executing(t).Took(nil, nil, false, epoch.Add(2*time.Minute)))
	if c := inc.Renew(epoch.Add(3 * time.Minute)); !c.Empty() {
		t.Error("a hold is renewed of which most is left")
	}
	for minute := 10; minute < 60; minute += 5 {
		now := epoch.Add(time.Duration(minute) * time.Minute)
		c := inc.Renew(now)
		if inc = c.Incident; !inc.Holds(now) || inc.Attempt.Until.Sub(now) < renewBefore {
			t.Fatalf("after %d minutes it is held until %s", minute, inc.Attempt.Until)
		}
		if !c.Empty() && (c.Take == nil || c.Take.Target != inc.Plan.Target.Key() || !c.Take.Until.Equal(inc.Attempt.Until)) {
			t.Fatalf("the renewal takes %+v", c.Take)
		}
	}
}

func TestOnlyAFixThatWasAppliedAndDidNotHelpIsUndone(t *testing.T) {
	applied := func(r Result) Incident {
		inc := must(t)(executing(t).Took(State{"id": "7"}, nil, false, epoch.Add(2*time.Minute)))
		return must(t)(inc.Record(r, epoch.Add(3*time.Minute)))
	}
	undoable := applied(Result{Outcome: Applied, Looked: true})
	spoil := func(change func(*Incident)) Incident {
		inc := undoable
		attempt, plan, decision := *inc.Attempt, *inc.Plan, *inc.Decision
		inc.Attempt, inc.Plan, inc.Decision = &attempt, &plan, &decision
		change(&inc)
		return inc
	}
	for name, tc := range map[string]struct {
		inc  Incident
		want bool
	}{
		"applied, and not verified": {undoable, true},
		"verified":                  {applied(Result{Outcome: Fixed, Verified: true, Looked: true, Over: true}), false},
		"unknown":                   {applied(Result{Outcome: Unknown, Looked: true}), false},
		"settling":                  {must(t)(executing(t).Took(nil, nil, false, epoch.Add(2*time.Minute))), false},
		"claimed":                   {executing(t), false},
		"closed":                    {must(t)(undoable.Close("x", epoch.Add(time.Hour))), false},
		"the plan cannot be undone": {spoil(func(i *Incident) {
			i.Plan.Undo = Undo{Not: "never"}
			*i.Plan = i.Plan.Freeze(i.Ref)
			i.Decision.PlanHash = i.Plan.Hash
		}), false},
		"the plan was changed":       {spoil(func(i *Incident) { i.Plan.Undo.Actions = []string{"rm -rf"} }), false},
		"approved was another":       {spoil(func(i *Incident) { i.Decision.PlanHash = "x" }), false},
		"the target was given back":  {spoil(func(i *Incident) { i.Attempt.Held = false }), false},
		"it is undone already":       {must(t)(undoable.ClaimUndo(Claimer{}, epoch.Add(4*time.Minute))), false},
		"people decided to escalate": {spoil(func(i *Incident) { i.Decision.Action = Escalate }), false},
	} {
		if got := tc.inc.MayUndo(epoch.Add(4 * time.Minute)); got != tc.want {
			t.Errorf("%s: may be undone %v", name, got)
		}
		_, err := tc.inc.ClaimUndo(Claimer{}, epoch.Add(5*time.Minute))
		if (err == nil) != tc.want {
			t.Errorf("%s: claiming it: %v", name, err)
		}
	}
}

func TestWhatBecameOfTheUndoingIsRecordedOnce(t *testing.T) {
	inc := must(t)(executing(t).Took(State{"id": "7"}, nil, false, epoch.Add(2*time.Minute)))
	inc = must(t)(inc.Record(Result{Outcome: Applied, Looked: true}, epoch.Add(3*time.Minute)))
	inc = must(t)(inc.ClaimUndo(Claimer{}, epoch.Add(4*time.Minute)))
	inc = must(t)(inc.TookUndo(State{"id": "8"}, nil, false, epoch.Add(5*time.Minute)))
	if !inc.Settling() || inc.Attempt.Receipt["id"] != "7" || inc.Attempt.Undoing.Receipt["id"] != "8" {
		t.Fatalf("%+v", inc.Attempt)
	}
	c, err := inc.RecordUndo(Result{Outcome: Undone, Over: true}, epoch.Add(6*time.Minute))
	inc = must(t)(c, err)
	if c.Free == "" || inc.Attempt.Undoing.Outcome != Undone || inc.Attempt.Outcome != Applied {
		t.Errorf("%+v", inc.Attempt)
	}
	if again, err := inc.RecordUndo(Result{Outcome: Failed}, epoch.Add(7*time.Minute)); err != nil || !again.Empty() {
		t.Errorf("recorded twice: %v", err)
	}
	if status, reason := inc.Conclusion(); status != Escalated || reason != ReasonFixUnverified {
		t.Errorf("it ends %s %s", status, reason)
	}
}

func TestTheHashCoversAllThatTheExecutorSaid(t *testing.T) {
	draft := func(change func(*Draft)) string {
		d := Draft{Actions: []string{"a"}, Present: State{"revision": "42"}, Wanted: State{"revision": "41"},
			Undo: Undo{Actions: []string{"b"}, Wanted: State{"revision": "42"}}, Limit: time.Minute, Blast: Blast{1, 3, "pods"}, Rights: []string{"r"}}
		change(&d)
		return testPlan("d1").Bare().With(d, "digest").HashFor(testRef())
	}
	seen := map[string]string{}
	for name, change := range map[string]func(*Draft){
		"nothing": func(*Draft) {}, "present": func(d *Draft) { d.Present["revision"] = "43" }, "wanted": func(d *Draft) { d.Wanted["revision"] = "40" },
		"another fact": func(d *Draft) { d.Present["image"] = "x" }, "actions": func(d *Draft) { d.Actions = append(d.Actions, "c") },
		"undo": func(d *Draft) { d.Undo.Actions[0] = "c" }, "undo's state": func(d *Draft) { d.Undo.Wanted = nil }, "no undo": func(d *Draft) { d.Undo = Undo{Not: "n"} },
		"limit": func(d *Draft) { d.Limit = time.Hour }, "affected": func(d *Draft) { d.Blast.Affected = 2 }, "of": func(d *Draft) { d.Blast.Of = 2 },
		"unit": func(d *Draft) { d.Blast.Unit = "tasks" }, "rights": func(d *Draft) { d.Rights[0] = "s" }, "moved": func(d *Draft) { d.Actions, d.Rights = []string{"a", "r"}, nil },
	} {
		h := draft(change)
		if other, twice := seen[h]; twice {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[h] = name
	}
	bare := testPlan("d1").Bare()
	if bare.HashFor(testRef()) == draft(func(*Draft) {}) || bare.With(Draft{}, "d1").HashFor(testRef()) == bare.With(Draft{}, "d2").HashFor(testRef()) {
		t.Error("the executor's digest does not count")
	}
	if a, b := testPlan("d1").Key(testRef(), false), testPlan("d1").Key(testRef(), true); a == b || len(a) != 32 {
		t.Errorf("the keys of the fix and of its undoing: %s %s", a, b)
	}
}

func TestAPlanIsFrozenOnceAndOnlyBeforePeopleAreAsked(t *testing.T) {
	inc := Open(New{Ref: testRef(), Alert: testAlert(), By: SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: epoch}).Incident
	inc = must(t)(inc.Propose(Analysis{AnalyzedBy: ByRules, Cause: "c"}, nil, epoch))
	first := must(t)(inc.Planned(Planning{Candidates: []Plan{*testPlan("1"), *testPlan("2"), *testPlan("3"), *testPlan("4")}}, epoch))
	if len(first.Candidates) != MaxCandidates || first.Plan != nil {
		t.Errorf("%d candidates", len(first.Candidates))
	}
	if c, err := first.Planned(Planning{Plan: testPlan("5")}, epoch); err != nil || !c.Empty() {
		t.Errorf("planned twice: %v", err)
	}
	asked := must(t)(inc.Await(Ask{ManualReason: "m", Token: NewTaskToken("t"), EnteredAt: epoch, Now: epoch}))
	if _, err := asked.Planned(Planning{Plan: testPlan("5")}, epoch); CodeOf(err) != CodeTransition {
		t.Errorf("planned after people were asked: %v", err)
	}
	failed := must(t)(inc.Planned(Planning{ManualReason: "The target is gone."}, epoch))
	if failed.Analysis.ManualReason != "The target is gone." || !failed.Analysis.PlanFailed || cmp.Equal(failed.Analysis, inc.Analysis) {
		t.Errorf("%+v", failed.Analysis)
	}
}

func TestATargetIsGivenBackWhenTheCallThatActedReportsAtLast(t *testing.T) {
	inc := must(t)(executing(t).Took(nil, nil, true, epoch.Add(2*time.Minute))) // seen under way by another call
	inc = must(t)(inc.Record(Result{Outcome: Fixed, Verified: true, Looked: true}, epoch.Add(3*time.Minute)))
	if !inc.Attempt.Held {
		t.Fatal("given back while the call that acted may still be at it")
	}
	c, err := inc.Took(State{"id": "7"}, nil, false, epoch.Add(4*time.Minute))
	if inc = must(t)(c, err); inc.Attempt.Held || c.Free == "" || c.Event.Action != EventFixLate || !inc.Attempt.Verified {
		t.Errorf("held %v, frees %q, %s", inc.Attempt.Held, c.Free, c.Event.Action)
	}
}
