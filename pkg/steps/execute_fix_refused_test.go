package steps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// wantRefused executes and fails the test unless the fix was refused for the
// reason, under the name that the state machine's history shows, and for good.
func (w *world) wantRefused(ref incident.Ref, reason incident.Reason, name string) {
	w.Helper()
	ran := len(w.executor.runs)
	_, err := w.execute().Handle(w.Context(), ref)
	if err == nil || steps.ErrorName(err) != name {
		w.Errorf("answered %v, named %s, want %s", err, steps.ErrorName(err), name)
	}
	inc := w.load(ref)
	if inc.Refusal != reason || inc.Attempt != nil || inc.Status != incident.WaitingForApproval {
		w.Errorf("recorded refusal %q, %s, attempt %+v; want %q", inc.Refusal, inc.Status, inc.Attempt, reason)
	}
	if last := w.last(ref); last.Action != incident.EventFixRefused || last.Details["reason"] != string(reason) {
		w.Errorf("the trail says %+v", last)
	}
	// Even when nothing stands in the way any more.
	w.services(services)
	if _, err := w.execute().Handle(w.Context(), ref); err == nil {
		w.Error("what was refused ran later")
	}
	if w.load(ref).Version != inc.Version {
		w.Error("the refusal was recorded twice")
	}
	if n := len(w.executor.runs) - ran; n > 0 {
		w.Errorf("the fix ran %d times", n)
	}
}

func TestAStaleApprovalIsRefused(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.clock.move(incident.MaxApprovalAge + time.Millisecond)
	w.wantRefused(ref, incident.ReasonApprovalStale, "ApprovalStale")

	w = newWorld(t)
	ref = w.approved("api")
	w.clock.move(incident.MaxApprovalAge)
	if _, err := w.execute().Handle(t.Context(), ref); err != nil {
		t.Errorf("an approval of just that age: %v", err)
	}
}

func TestAPlanThatNoLongerMeansTheSameIsRefused(t *testing.T) {
	for name, replace := range map[string][2]string{
		"another target":       {"cluster: blue", "cluster: green"},
		"another executor":     {"type: ecs, cluster", "type: nomad, cluster"},
		"the fix was removed":  {"[restart-service]", "[rollback-deployment]"},
		"the service was gone": {"  real:", "  renamed:"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ref := w.approved("real")
			w.services(strings.ReplaceAll(services, replace[0], replace[1]))
			w.wantRefused(ref, incident.ReasonPlanStale, "PlanStale")
		})
	}
}

func TestAPlanOutlivesAChangeThatIsNotItsOwn(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.services(strings.ReplaceAll(services, "owner: platform", "owner: somebody"))
	if out, err := w.execute().Handle(t.Context(), ref); err != nil || out.Outcome != incident.Fixed {
		t.Errorf("%+v %v", out, err)
	}
}

func TestAFixOfWhatRecoveredIsRefusedAndTheIncidentResolved(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	if _, err := w.recovered(w.alertOf(ref)); err != nil {
		t.Fatal(err)
	}
	w.wantRefused(ref, "recovered", "Recovered")
	if inc := w.closed(ref); inc.Status != incident.Resolved || inc.Ticket != nil {
		t.Errorf("%s, ticket %+v", inc.Status, inc.Ticket)
	}
}

// The recovery arrives between the step's look and its write.
func TestARecoveryThatRacesTheClaimIsSeen(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	a := w.alertOf(ref)
	w.store.onCommit = before(incident.EventFixStarted, func() {
		if _, err := w.recovered(a); err != nil {
			t.Error(err)
		}
	})
	w.wantRefused(ref, "recovered", "Recovered")
}

func TestWithoutAnApprovalNothingRuns(t *testing.T) {
	for name, prepare := range map[string]func(w *world) incident.Ref{
		"detected":        func(w *world) incident.Ref { return w.analyzed("api") },
		"nobody decided":  func(w *world) incident.Ref { return w.asked("api") },
		"escalate chosen": func(w *world) incident.Ref { return w.decided("api", incident.Escalate) },
		"resolve chosen":  func(w *world) incident.Ref { return w.decided("api", incident.Resolve) },
		"manual review":   func(w *world) incident.Ref { return w.manual() },
		"one of two": func(w *world) incident.Ref {
			ref := w.asked("pair")
			if _, err := w.vote(ref, incident.Approve, incident.KeyActor("anna")); err != nil {
				w.Fatal(err)
			}
			return ref
		},
		"closed": func(w *world) incident.Ref { return w.closed(w.asked("api")).Ref },
		"no such incident": func(w *world) incident.Ref {
			return incident.Ref{Tenant: incident.DefaultTenant, ID: w.newID()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.execute().Handle(t.Context(), prepare(w))
			if err == nil || len(w.executor.runs) > 0 || w.executor.looks > 0 {
				t.Errorf("%v, %d runs, %d looks", err, len(w.executor.runs), w.executor.looks)
			}
		})
	}
}

func TestARefusalThatCannotBeRecordedFailsTheStep(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.clock.move(2 * incident.MaxApprovalAge)
	w.store.onCommit = neverWritten(incident.EventFixRefused)
	_, err := w.execute().Handle(t.Context(), ref)
	wantCode(t, "the refusal cannot be written", err, incident.CodeNotStarted)
	if w.load(ref).Refusal != "" || len(w.executor.runs) > 0 {
		t.Errorf("refusal %q, %d runs", w.load(ref).Refusal, len(w.executor.runs))
	}
}

// A stray call of execute-fix before anybody decided says nothing about an
// approval that comes later.
func TestAnEarlyCallDoesNotRefuseALaterApproval(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	if _, err := w.execute().Handle(t.Context(), ref); err == nil {
		t.Fatal("executed without an approval")
	}
	if _, err := w.vote(ref, incident.Approve, incident.KeyActor("anna")); err != nil {
		t.Fatal(err)
	}
	if out, err := w.execute().Handle(t.Context(), ref); err != nil || out.Outcome != incident.Fixed {
		t.Errorf("%+v %v", out, err)
	}
}
