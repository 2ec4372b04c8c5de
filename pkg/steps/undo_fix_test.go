package steps_test

import (
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestAFixThatIsNotVerifiedInTimeIsUndoneOnce(t *testing.T) {
	w := newWorld(t)
	ref := w.settling("real")
	w.executor.phases = []steps.Phase{steps.Settling, steps.Settling}
	w.clock.move(incident.DefaultFixLimit - time.Second)
	if p := w.looked(ref); p.Settled {
		t.Fatalf("before its limit: %+v", p)
	}
	w.clock.move(2 * time.Second)
	if p := w.looked(ref); !p.Settled || !p.Undo || p.Outcome != incident.Applied {
		t.Fatalf("after its limit: %+v", p)
	}
	if a := w.load(ref).Attempt; !a.Held || a.FinishedAt == nil {
		t.Fatalf("before it is undone: %+v", a)
	}
	w.executor.result.Verified = true // of the undoing
	for range 2 {
		if p, err := w.undo().Handle(t.Context(), ref); err != nil || p.Settled {
			t.Fatalf("undo-fix: %+v %v", p, err)
		}
	}
	if p := w.looked(ref); !p.Settled || p.Undo || p.Verified || p.Outcome != incident.Applied {
		t.Fatalf("after it was undone: %+v", p)
	}
	if n := len(w.executor.undone); n != 1 {
		t.Fatalf("undone %d times", n)
	}
	o := w.executor.undone[0]
	if !o.Undoing || o.Key == o.Plan.Key(ref, false) || o.Fix["id"] != "7" || o.By != incident.KeyActor("anna") {
		t.Errorf("the order to undo: %+v", o)
	}
	inc := w.closed(ref)
	if inc.Status != incident.Escalated || inc.EscalationReason != incident.ReasonFixUnverified || inc.Attempt.Undoing.Outcome != incident.Undone || inc.Attempt.Held {
		t.Errorf("%s %s %+v", inc.Status, inc.EscalationReason, inc.Attempt.Undoing)
	}
}

func TestUndoingAtOnceManyTimesUndoesOnce(t *testing.T) {
	w := newWorld(t)
	ref := w.executed("real", incident.Result{Outcome: incident.Fixed})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := w.undo().Handle(t.Context(), ref); err != nil {
				t.Errorf("undo: %v", err)
			}
		})
	}
	all.Wait()
	if n := len(w.executor.undone); n != 1 || w.count(ref, incident.EventUndoStarted) != 1 {
		t.Errorf("undone %d times", n)
	}
}

func TestNothingIsUndoneThatIsNotDue(t *testing.T) {
	for name, prepare := range map[string]func(w *world) incident.Ref{
		"nobody decided": func(w *world) incident.Ref { return w.asked("real") },
		"approved":       func(w *world) incident.Ref { return w.approved("real") },
		"settling":       func(w *world) incident.Ref { return w.settling("real") },
		"verified": func(w *world) incident.Ref {
			return w.executed("real", incident.Result{Outcome: incident.Fixed, Verified: true})
		},
		"unknown": func(w *world) incident.Ref { return w.executed("real", incident.Result{Outcome: incident.Unknown}) },
		"failed":  func(w *world) incident.Ref { return w.executed("real", incident.Result{Outcome: incident.Failed}) },
		"closed": func(w *world) incident.Ref {
			return w.closed(w.executed("real", incident.Result{Outcome: incident.Fixed})).Ref
		},
	} {
		w := newWorld(t)
		if _, err := w.undo().Handle(t.Context(), prepare(w)); err == nil || len(w.executor.undone) > 0 {
			t.Errorf("%s: %v, undone %d times", name, err, len(w.executor.undone))
		}
	}
}

// The process died between undoing and recording it.
func TestAfterACrashTheUndoingIsLookedAtAndNotRepeated(t *testing.T) {
	for seen, want := range map[bool]incident.Outcome{true: incident.Undone, false: incident.Unknown} {
		w := newWorld(t)
		ref := w.executed("real", incident.Result{Outcome: incident.Fixed})
		w.store.onCommit = neverWritten(incident.EventUndoApplied)
		_, err := w.undo().Handle(t.Context(), ref)
		wantCode(t, "the undoing cannot be written", err, incident.CodeUnavailable)
		w.store.onCommit = nil
		w.executor.verified = seen
		for range 2 {
			if p, err := w.undo().Handle(t.Context(), ref); err != nil || !p.Settled || p.Undo {
				t.Errorf("seen %v: %+v %v", seen, p, err)
			}
		}
		if u := w.load(ref).Attempt.Undoing; u.Outcome != want || len(w.executor.undone) != 1 {
			t.Errorf("seen %v: recorded %q, undone %d times", seen, u.Outcome, len(w.executor.undone))
		}
	}
}

// The process died before it acted. On the target nothing tells that apart from a fix
// that is under way, so at the limit nobody knows, and nothing may be undone.
func TestAFixThatNobodyHeardOfIsUnknownAndNotUndone(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("real")
	w.store.onCommit = neverWritten(incident.EventFixApplied)
	if _, err := w.act().Handle(t.Context(), ref); err == nil {
		t.Fatal("it was written")
	}
	w.store.onCommit = nil
	seen := executorSeeing{w.executor, steps.Settling}
	step, look := w.act(), w.verify()
	step.Executors, look.Executors = seen, seen
	if p, err := step.Handle(t.Context(), ref); err != nil || p.Settled {
		t.Fatalf("%+v %v", p, err)
	}
	w.clock.move(incident.DefaultFixLimit + time.Second)
	p, err := look.Handle(t.Context(), ref)
	if err != nil || !p.Settled || p.Undo || p.Outcome != incident.Unknown {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := w.undo().Handle(t.Context(), ref); err == nil || len(w.executor.undone) > 0 {
		t.Errorf("undone %d times", len(w.executor.undone))
	}
	if inc := w.closed(ref); inc.EscalationReason != incident.ReasonFixUnknown {
		t.Errorf("%s", inc.EscalationReason)
	}
}

func TestAFixThatCannotBeLookedAtIsNotUndone(t *testing.T) {
	w := newWorld(t)
	ref := w.settling("real")
	w.executor.blind = incident.Unavail("the cluster could not be reached", nil)
	w.clock.move(incident.DefaultFixLimit + time.Second)
	if p := w.looked(ref); p.Settled {
		t.Fatalf("it is given up with the first look that fails: %+v", p)
	}
	w.clock.move(5 * time.Minute)
	if p := w.looked(ref); !p.Settled || p.Undo || p.Outcome != incident.Unknown {
		t.Errorf("%+v", p)
	}
	if a := w.load(ref).Attempt; !a.Held {
		t.Error("the target was given back, though nobody knows what goes on there")
	}
}

func TestAFixWhoseTroubleIsOverOrWhoseHoldLapsedIsNotUndone(t *testing.T) {
	for name, before := range map[string]func(w *world, ref incident.Ref){
		"the source reported recovery": func(w *world, ref incident.Ref) {
			if _, err := w.recovered(w.alertOf(ref)); err != nil {
				w.Fatal(err)
			}
		},
		"the hold has lapsed": func(w *world, ref incident.Ref) { w.clock.move(incident.MaxHoldTime + time.Minute) },
	} {
		w := newWorld(t)
		ref := w.settling("real")
		before(w, ref)
		w.executor.phases = []steps.Phase{steps.NotVerified}
		if p := w.looked(ref); p.Undo || p.Outcome != incident.Applied {
			t.Errorf("%s: %+v", name, p)
		}
		if _, err := w.undo().Handle(t.Context(), ref); err == nil || len(w.executor.undone) > 0 {
			t.Errorf("%s: undone %d times", name, len(w.executor.undone))
		}
	}
}

// A second call of undo-fix looked and could not tell; then the first one reports.
func TestWhatComesLateOfAnUndoingIsAnEvent(t *testing.T) {
	w := newWorld(t)
	ref := w.executed("real", incident.Result{Outcome: incident.Fixed})
	w.executor.onUndo = func() steps.Acted {
		w.executor.onUndo = nil
		w.executor.mu.Unlock() // the other call looks meanwhile
		defer w.executor.mu.Lock()
		if p, err := w.undo().Handle(t.Context(), ref); err != nil || !p.Settled {
			t.Errorf("the second call: %+v %v", p, err)
		}
		return steps.Acted{Receipt: incident.State{"id": "8"}}
	}
	if _, err := w.undo().Handle(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	u := w.load(ref).Attempt.Undoing
	if w.last(ref).Action != incident.EventUndoLate || u.Outcome != incident.Unknown || !u.Heard || len(w.executor.undone) != 1 {
		t.Errorf("%s, %+v", w.last(ref).Action, u)
	}
}
