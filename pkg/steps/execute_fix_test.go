package steps_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestAnApprovedPlanIsExecutedAndItsResultRecorded(t *testing.T) {
	for _, result := range []incident.Result{
		{Outcome: incident.Fixed, Verified: true},
		{Outcome: incident.Simulated, Verified: true, Steps: []incident.FixStep{{Name: "restart", Status: "simulated", Detail: "nothing was changed", At: epoch}}},
		{Outcome: incident.Failed},
		{Outcome: incident.Fixed, Verified: false},
		{Outcome: incident.Unknown},
	} {
		w := newWorld(t)
		ref := w.approved("api")
		w.executor.result = result
		w.executor.onRun = func(context.Context) { w.clock.move(minute) }
		out, err := w.execute().Handle(t.Context(), ref)
		want := said{result.Outcome, result.Verified}
		if result.Outcome == incident.Fixed && !result.Verified {
			want.Outcome = incident.Applied
		}
		if err != nil || out != want {
			t.Errorf("%+v: answered %+v %v", result, out, err)
		}
		inc := w.load(ref)
		a := inc.Attempt
		if inc.Status != incident.ExecutingFix || a.Outcome != want.Outcome || a.Verified != result.Verified || !a.StartedAt.Equal(epoch) || !a.FinishedAt.Equal(epoch.Add(minute)) {
			t.Errorf("%+v: recorded %s %+v", result, inc.Status, a)
		}
		if d := cmp.Diff(result.Steps, a.Steps); d != "" {
			t.Errorf("%+v: steps (-want +got):\n%s", result, d)
		}
		if d := cmp.Diff([]incident.Plan{*inc.Plan}, w.executor.runs); d != "" {
			t.Errorf("%+v: ran something else than the frozen plan:\n%s", result, d)
		}
	}
}

func TestExecutingAtOnceManyTimesRunsTheFixOnce(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if _, err := w.execute().Handle(t.Context(), ref); err != nil {
				t.Errorf("execute: %v", err)
			}
		})
	}
	all.Wait()
	if n := len(w.executor.runs); n != 1 {
		t.Errorf("the fix ran %d times", n)
	}
	if n := w.count(ref, incident.EventFixStarted); n != 1 {
		t.Errorf("the fix was started %d times", n)
	}
}

func TestExecutingAgainAnswersWhatWasRecorded(t *testing.T) {
	w := newWorld(t)
	ref := w.executed("api", incident.Result{Outcome: incident.Failed})
	version := w.load(ref).Version
	w.executor.result = incident.Result{Outcome: incident.Fixed, Verified: true}
	for _, when := range []string{"executing", "closed"} {
		out, err := w.execute().Handle(t.Context(), ref)
		if err != nil || out.Outcome != incident.Failed || out.Verified || len(w.executor.runs) != 1 || w.executor.looks != 0 {
			t.Errorf("%s: %+v %v, %d runs, %d looks", when, out, err, len(w.executor.runs), w.executor.looks)
		}
		if w.load(ref).Version != version {
			t.Errorf("%s: asking again changed the record", when)
		}
		version = w.closed(ref).Version
	}
}

// The process died between acting and recording. Whether it acted cannot be
// known; what can be seen can be said.
func TestAfterACrashTheFixIsLookedAtAndNotRunAgain(t *testing.T) {
	for _, c := range []struct {
		name, service string
		seen          bool
		want          said
	}{
		{"real, in order", "real", true, said{Outcome: incident.Fixed, Verified: true}},
		{"simulated, in order", "api", true, said{Outcome: incident.Simulated, Verified: true}},
		{"real, not in order", "real", false, said{Outcome: incident.Unknown}},
		{"simulated, not in order", "api", false, said{Outcome: incident.Unknown}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ref := w.approved(c.service)
			w.store.onCommit = neverWritten(incident.EventFixApplied)
			_, err := w.execute().Handle(t.Context(), ref)
			wantCode(t, "the result cannot be written", err, incident.CodeUnavailable)
			w.store.onCommit = nil
			w.executor.verified = c.seen
			for range 2 {
				out, err := w.execute().Handle(t.Context(), ref)
				if err != nil || out != c.want || len(w.executor.runs) != 1 || w.executor.looks != 1 {
					t.Errorf("%+v %v, %d runs, %d looks", out, err, len(w.executor.runs), w.executor.looks)
				}
			}
			if a := w.load(ref).Attempt; a.Outcome != c.want.Outcome || a.Verified != c.seen || len(a.Steps) != 1 {
				t.Errorf("recorded %+v", a)
			}
		})
	}
}

// A call that is not told that the claim is its own must not act on it.
func TestALostReplyToTheClaimNeverActs(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.store.onCommit = lostReply(incident.EventFixStarted)
	for range 2 {
		out, err := w.execute().Handle(t.Context(), ref)
		if err != nil || out.Outcome != incident.Unknown || len(w.executor.runs) != 0 {
			t.Errorf("%+v %v, %d runs", out, err, len(w.executor.runs))
		}
	}
}

// While it is in doubt whether the claim was written, the answer has no name that
// the state machine calls again for.
func TestAClaimInDoubtIsNotCalledUnstarted(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.store.onCommit = func(c incident.Change, real func() error) error {
		if is(c, incident.EventFixStarted) {
			w.store.onLoad = func(incident.Ref) error { return errWire }
			return errWire
		}
		return real()
	}
	_, err := w.execute().Handle(t.Context(), ref)
	w.store.onCommit, w.store.onLoad = nil, nil
	if name := steps.ErrorName(err); name != string(incident.Unavailable) {
		t.Errorf("answered %v, named %s", err, name)
	}
}

func TestAFixThatCouldNotBeReadIsCalledForAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.store.onLoad = func(incident.Ref) error { return errWire }
	_, err := w.execute().Handle(t.Context(), ref)
	w.store.onLoad = nil
	if name := steps.ErrorName(err); name != steps.NameNotStarted {
		t.Errorf("answered %v, named %s", err, name)
	}
	if out, err := w.execute().Handle(t.Context(), ref); err != nil || out.Outcome != incident.Fixed {
		t.Errorf("%+v %v", out, err)
	}
}

// A store's client that repeats a write whose reply was lost meets its own claim.
func TestAClaimThatMeetsItselfNeverActs(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.store.onCommit = func(c incident.Change, real func() error) error {
		if !is(c, incident.EventFixStarted) {
			return real()
		}
		if err := real(); err != nil {
			t.Error(err)
		}
		return real() // answers Conflict
	}
	out, err := w.execute().Handle(t.Context(), ref)
	if err != nil || out.Outcome != incident.Unknown || len(w.executor.runs) != 0 || w.executor.looks != 1 {
		t.Errorf("%+v %v, %d runs, %d looks", out, err, len(w.executor.runs), w.executor.looks)
	}
}

func TestAClaimThatWasNotWrittenCanBeMadeAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.store.onCommit = neverWritten(incident.EventFixStarted)
	_, err := w.execute().Handle(t.Context(), ref)
	wantCode(t, "the claim cannot be written", err, incident.CodeNotStarted)
	if inc := w.load(ref); inc.Refusal != "" || len(w.executor.runs) != 0 {
		t.Fatalf("refused %q, %d runs", inc.Refusal, len(w.executor.runs))
	}
	w.store.onCommit = nil
	if out, err := w.execute().Handle(t.Context(), ref); err != nil || out.Outcome != incident.Fixed {
		t.Errorf("%+v %v", out, err)
	}
}

// What was done must not be forgotten for lack of a second.
func TestTheResultIsRecordedEvenWhenTheStepsTimeIsOver(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	ctx, cancel := context.WithCancel(t.Context())
	w.executor.onRun = func(ctx context.Context) { cancel(); <-ctx.Done() }
	// Another writer is in the way, so that the record has to be tried again: the
	// place where a step that is over gives up.
	w.store.onCommit = before(incident.EventFixFinished, func() {
		if _, err := w.recovered(w.alertOf(ref)); err != nil {
			t.Error(err)
		}
	})
	if out, err := w.execute().Handle(ctx, ref); err != nil || out.Outcome != incident.Fixed {
		t.Errorf("%+v %v", out, err)
	}
	if a := w.load(ref).Attempt; a.FinishedAt == nil || a.Outcome != incident.Fixed {
		t.Errorf("recorded %+v", a)
	}
}

func TestAFixIsToldWhenItsTimeIsOver(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.executor.onRun = func(ctx context.Context) {
		if until, ok := ctx.Deadline(); !ok || time.Until(until) > incident.MaxFixTime {
			t.Errorf("it may take until %s", until)
		}
	}
	if _, err := w.execute().Handle(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
}

// The workflow gave up and the incident is closed; then the fix reports.
func TestAResultThatComesAfterClosingIsAnEventAndTheStatusStays(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.executor.onRun = func(context.Context) { w.closed(ref) }
	if out, err := w.execute().Handle(t.Context(), ref); err != nil || out.Outcome != incident.Applied {
		t.Errorf("%+v %v", out, err)
	}
	inc := w.load(ref)
	if inc.Status != incident.Escalated || inc.EscalationReason != incident.ReasonFixUnknown || w.last(ref).Action != incident.EventFixLate {
		t.Errorf("%s %s, %v", inc.Status, inc.EscalationReason, w.events(ref))
	}
}

// alertOf is the alert that detected opened the incident with.
func (w *world) alertOf(ref incident.Ref) incident.Alert {
	w.Helper()
	inc := w.load(ref)
	a := alert(inc.Service, w.keys[ref.ID])
	if a.Fingerprint() != inc.Fingerprint {
		w.Fatalf("%s was not opened by detected", ref)
	}
	return a
}

// A duplicate call of execute-fix only looks; the fix that runs still holds its
// target, so no other may start on it.
func TestADuplicateCallDoesNotFreeTheTargetOfAFixThatRuns(t *testing.T) {
	for _, seen := range []bool{false, true} {
		w := newWorld(t)
		first, second := w.approved("real"), w.approved("twin")
		running := 0
		w.executor.verified = seen
		w.executor.onRun = func(context.Context) {
			if running++; running > 1 {
				t.Errorf("seen %v: two fixes run on one target", seen)
				return
			}
			if _, err := w.execute().Handle(t.Context(), first); err != nil {
				t.Error(err)
			}
			_, err := w.execute().Handle(t.Context(), second)
			wantCode(t, "the other fix", err, incident.CodeTargetBusy)
			running--
		}
		if _, err := w.execute().Handle(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
}

// A process that was stalled between its claim and the fix finds that its time is
// over: another fix may hold the target by then.
func TestAFixThatBeginsTooLateDoesNotAct(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.store.onCommit = func(c incident.Change, real func() error) error {
		err := real()
		if c.Take != nil {
			w.clock.move(incident.MaxFixTime)
		}
		return err
	}
	out, err := w.execute().Handle(t.Context(), ref)
	if err != nil || out.Outcome != incident.Failed || len(w.executor.runs) != 0 {
		t.Errorf("%+v %v, run %d times", out, err, len(w.executor.runs))
	}
}
