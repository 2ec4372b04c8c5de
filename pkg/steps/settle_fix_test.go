package steps_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

const health = `
services:
  real:
    owner: platform
    target: {type: ecs, cluster: blue}
    fixes: [restart-service]
    health: {url: "https://shop.example.com/"}
`

// settling is an approved fix that the target has taken.
func (w *world) settling(service string) incident.Ref {
	w.Helper()
	ref := w.approved(service)
	if p, err := w.act().Handle(w.Context(), ref); err != nil || p.Settled || p.WaitSeconds < 1 {
		w.Fatalf("execute-fix: %+v %v", p, err)
	}
	return ref
}

func (w *world) looked(ref incident.Ref) steps.FixProgress {
	w.Helper()
	p, err := w.verify().Handle(w.Context(), ref)
	if err != nil {
		w.Fatalf("verify-fix: %v", err)
	}
	return p
}

func TestNobodyWaitsForARolloutAndTheTargetStaysHeld(t *testing.T) {
	w := newWorld(t)
	w.executor.phases = make([]steps.Phase, 20)
	for i := range w.executor.phases {
		w.executor.phases[i] = steps.Settling
	}
	ref := w.settling("real")
	other := w.approved("twin")
	waits := 0
	for range 8 {
		p := w.looked(ref)
		if p.Settled || p.Undo || p.WaitSeconds < waits {
			t.Fatalf("%+v after waits of %d s", p, waits)
		}
		waits = p.WaitSeconds
		w.clock.move(time.Minute)
		w.wantQueued(other, ref)
	}
	if waits != 15 || len(w.executor.runs) != 1 {
		t.Errorf("the last wait is %d s, %d runs", waits, len(w.executor.runs))
	}
	w.executor.phases = nil
	if p := w.looked(ref); !p.Settled || !p.Verified || p.Outcome != incident.Fixed {
		t.Errorf("when it has settled: %+v", p)
	}
	if inc := w.closed(ref); inc.Status != incident.Resolved || inc.Attempt.Held {
		t.Errorf("%s, held %v", inc.Status, inc.Attempt.Held)
	}
}

func TestATargetThatChangedSinceThePlanIsNotTouched(t *testing.T) {
	w := newWorld(t)
	w.executor.present = incident.State{"revision": "42"}
	ref := w.approved("real")
	w.executor.present = incident.State{"revision": "43"}
	out, err := w.execute().Handle(t.Context(), ref)
	if err != nil || out.Outcome != incident.Stale || len(w.executor.runs) != 0 {
		t.Fatalf("%+v %v, %d runs", out, err, len(w.executor.runs))
	}
	inc := w.closed(ref)
	if inc.EscalationReason != incident.ReasonPlanStale || inc.Attempt.Held || !strings.Contains(inc.Attempt.Steps[0].Detail, `revision was "42" when the plan was made and is "43" now`) {
		t.Errorf("%s, %+v", inc.EscalationReason, inc.Attempt)
	}
}

func TestATargetThatCannotBeLookedAtIsNotTouched(t *testing.T) {
	for want, err := range map[incident.Outcome]error{
		incident.Failed: incident.Unavail("the cluster could not be reached", errors.New("secret inside")),
		incident.Stale:  incident.BadField("revision", "the previous revision is gone"),
	} {
		w := newWorld(t)
		ref := w.approved("real")
		w.executor.onLook = func() error { return err }
		out, got := w.execute().Handle(t.Context(), ref)
		if got != nil || out.Outcome != want || len(w.executor.runs) != 0 {
			t.Errorf("%+v %v, %d runs", out, got, len(w.executor.runs))
		}
		if said := w.load(ref).Attempt.Steps[0].Detail; strings.Contains(said, "secret inside") || !strings.Contains(said, "nothing was changed") {
			t.Errorf("people are told %q", said)
		}
	}
}

func TestATargetThatCannotBeSeenForAWhileIsLookedAtAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.settling("real")
	w.executor.blind = incident.Unavail("throttled", nil)
	if p := w.looked(ref); p.Settled {
		t.Fatalf("%+v", p)
	}
	w.executor.blind = nil
	if p := w.looked(ref); !p.Verified {
		t.Errorf("%+v", p)
	}
}

func TestAFixThatDoesNotMakeTheServiceWellIsNotVerified(t *testing.T) {
	w := newWorld(t)
	w.services(health)
	bad := map[string][]steps.Finding{"real": {{Check: "status", Healthy: false, Detail: "it answers 500"}}}
	w.prober = &prober{findings: bad}
	ref := w.settling("real")
	if p := w.looked(ref); p.Settled {
		t.Fatalf("while it may be warming up: %+v", p)
	}
	w.clock.move(incident.DefaultFixLimit + time.Second)
	if p := w.looked(ref); !p.Settled || p.Verified || !p.Undo || p.Outcome != incident.Applied {
		t.Fatalf("at the limit: %+v", p)
	}
	var told []string
	for _, s := range w.load(ref).Attempt.Steps {
		told = append(told, s.Name+": "+s.Detail)
	}
	if text := strings.Join(told, "\n"); !strings.Contains(text, "health: status: it answers 500") || !strings.Contains(text, "not verified within 10m0s") {
		t.Errorf("people are told:\n%s", text)
	}
}

func TestLookingNeverActs(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("real")
	if _, err := w.verify().Handle(t.Context(), ref); err == nil {
		t.Error("what was not begun was looked at")
	}
	ref = w.settling("real")
	for range 3 {
		w.looked(ref)
	}
	if len(w.executor.runs) != 1 || len(w.executor.undone) != 0 {
		t.Errorf("%d runs, %d undone", len(w.executor.runs), len(w.executor.undone))
	}
}

// After a crash between act and record the fix is seen under way: it goes on settling.
func TestAFixSeenUnderWayAfterACrashIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("real")
	w.store.onCommit = neverWritten(incident.EventFixApplied)
	if _, err := w.act().Handle(t.Context(), ref); err == nil {
		t.Fatal("it was written")
	}
	w.store.onCommit = nil
	under := executorSeeing{w.executor, steps.Settling}
	step := w.act()
	step.Executors = under
	if p, err := step.Handle(t.Context(), ref); err != nil || p.Settled || len(w.executor.runs) != 1 {
		t.Fatalf("%+v %v, %d runs", p, err, len(w.executor.runs))
	}
	if inc := w.load(ref); !inc.Settling() || inc.Attempt.Heard {
		t.Errorf("%+v", inc.Attempt)
	}
}

type executorSeeing struct {
	*executor
	phase steps.Phase
}

func (e executorSeeing) For(incident.Target) (steps.Executor, error) { return e, nil }

func (e executorSeeing) Verify(context.Context, steps.Order) (steps.Sight, error) {
	return steps.Sight{Phase: e.phase}, nil
}

func TestPlanFixFreezesWhatIsThereAndWhatIsWanted(t *testing.T) {
	w := newWorld(t)
	w.executor.present = incident.State{"revision": "42"}
	ref := w.analyzed("real")
	out, err := w.plan().Handle(t.Context(), ref)
	inc := w.load(ref)
	if err != nil || inc.Plan == nil || out.PlanHash == nil || *out.PlanHash != inc.Plan.HashFor(ref) {
		t.Fatalf("%+v %v", out, err)
	}
	if p := inc.Plan; p.Present["revision"] != "42" || p.Wanted["revision"] != "41" || !p.Undo.Possible() || p.ExecutorDigest == "" || p.LimitSeconds != 600 {
		t.Errorf("%+v", p)
	}
	w.executor.present = incident.State{"revision": "43"}
	if again, err := w.plan().Handle(t.Context(), ref); err != nil || *again.PlanHash != inc.Plan.Hash {
		t.Errorf("asked again it is another plan: %v", err)
	}
}

func TestWhatCannotBePlannedIsReviewedAndSaysWhy(t *testing.T) {
	w := newWorld(t)
	w.executor.onLook = func() error { return incident.BadField("target", "the deployment shop/api does not exist") }
	inc := w.load(w.asked("real"))
	if inc.Plan != nil || len(inc.Candidates) > 0 || !strings.Contains(inc.Analysis.ManualReason, "the deployment shop/api does not exist") {
		t.Errorf("%+v %+v", inc.Plan, inc.Analysis)
	}
}

func TestAManualReviewHasCandidatesTheRulesFirst(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	model := &analyst{err: incident.Unavail("down", nil)}
	if _, err := w.analyze(model).Handle(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	out, err := w.plan().Handle(t.Context(), ref)
	inc := w.load(ref)
	if err != nil || inc.Plan != nil || out.Candidates != 2 || len(inc.Candidates) != 2 {
		t.Fatalf("%+v %v, %+v", out, err, inc.Candidates)
	}
	if inc.Candidates[0].FixID != "restart-service" || inc.Candidates[1].FixID != "scale-out" || inc.Candidates[0].Hash != inc.Candidates[0].HashFor(ref) {
		t.Errorf("%+v", inc.Candidates)
	}
	unlisted := w.analyzed("elsewhere")
	if out, err := w.plan().Handle(t.Context(), unlisted); err != nil || out.Candidates != 0 {
		t.Errorf("a service that is not listed has candidates: %+v %v", out, err)
	}
}

// A second call saw the fix under way before the call that acted reported what it is
// found again by.
func TestTheReceiptOfTheCallThatActedIsKept(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("real")
	seen := executorSeeing{w.executor, steps.Settling}
	w.executor.onRun = func(context.Context) {
		again := w.act()
		again.Executors = seen
		if p, err := again.Handle(t.Context(), ref); err != nil || p.Settled {
			t.Errorf("the second call: %+v %v", p, err)
		}
	}
	if _, err := w.act().Handle(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if a := w.load(ref).Attempt; a.Receipt["id"] != "7" || !a.Heard {
		t.Errorf("%+v", a)
	}
}

func TestATargetThatCannotBeReachedIsPlannedForLater(t *testing.T) {
	w := newWorld(t)
	ref := w.analyzed("real")
	w.executor.onLook = func() error { return incident.Unavail("the cluster could not be reached", nil) }
	_, err := w.plan().Handle(t.Context(), ref)
	wantCode(t, "while it cannot be reached", err, incident.CodeUnavailable)
	w.executor.onLook = nil
	if out, err := w.plan().Handle(t.Context(), ref); err != nil || out.PlanHash == nil {
		t.Errorf("%+v %v", out, err)
	}
}
