package steps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func (w *world) killSwitch() steps.KillSwitch {
	return steps.KillSwitch{Store: w.store, Tenant: incident.DefaultTenant, Now: w.clock.now, Log: w.logger()}
}

func (w *world) stop(to incident.Stop, why string) {
	w.Helper()
	if _, err := w.killSwitch().Set(w.Context(), to, incident.KeyActor("ben"), why); err != nil {
		w.Fatalf("stop: %v", err)
	}
}

// wantStopped executes the incident's fix, which a brake must refuse, and wants said among
// what people are told.
func (w *world) wantStopped(ref incident.Ref, said string) {
	w.Helper()
	runs := len(w.executor.runs)
	_, err := w.act().Handle(w.Context(), ref)
	if name := steps.ErrorName(err); name != "Stopped" || len(w.executor.runs) != runs {
		w.Errorf("execute-fix: %s (%v), %d runs; want Stopped and none", name, err, len(w.executor.runs)-runs)
	}
	inc := w.closed(ref)
	if inc.Status != incident.Escalated || inc.EscalationReason != incident.ReasonExecutionStopped || !strings.Contains(inc.RefusalWhy, said) {
		w.Errorf("it ends %s, %s, because %q; want it to say %q", inc.Status, inc.EscalationReason, inc.RefusalWhy, said)
	}
	if n := w.count(ref, incident.EventFixStarted); n != 0 || inc.Attempt != nil {
		w.Errorf("the fix was started %d times", n)
	}
	if told := sprint(w.tracker.opened[len(w.tracker.opened)-1]); !strings.Contains(told, said) {
		w.Errorf("the ticket does not say %q: %s", said, told)
	}
}

func TestNoFixBeginsWhileTheKillSwitchIsSet(t *testing.T) {
	w := newWorld(t)
	before, other := w.approved("real"), w.approved("api")
	w.stop(incident.StopFixes, "deploys go wrong")
	w.wantStopped(before, "key:ben set the kill switch at 2026-01-02T03:04:05.678Z: deploys go wrong")
	if _, err := w.act().Handle(t.Context(), before); steps.ErrorName(err) == "Stopped" || err == nil {
		t.Errorf("asked again, it says %v", err)
	}
	w.stop(incident.StopNone, "")
	if _, err := w.execute().Handle(t.Context(), other); err != nil || len(w.executor.runs) != 1 {
		t.Errorf("lifted: %v, %d runs", err, len(w.executor.runs))
	}
}

func TestAStopBetweenTheChecksAndTheClaimCounts(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("real")
	w.store.onCommit = func(c incident.Change, real func() error) error {
		if c.Event.Action == incident.EventFixStarted {
			w.stop(incident.StopFixes, "just now")
		}
		return real()
	}
	w.wantStopped(ref, "just now")
}

func TestAFixThatDidNotHelpIsUndoneWhileFixesAreStopped(t *testing.T) {
	for stop, undone := range map[incident.Stop]int{incident.StopFixes: 1, incident.StopAll: 0} {
		w := newWorld(t)
		w.executor.result = incident.Result{Outcome: incident.Fixed, Verified: false}
		ref := w.settling("real")
		if p := w.looked(ref); !p.Undo {
			t.Fatalf("%+v", p)
		}
		w.stop(stop, "deploys go wrong")
		_, err := w.undo().Handle(t.Context(), ref)
		if len(w.executor.undone) != undone || err != nil {
			t.Errorf("%s: undone %d times, %v", stop, len(w.executor.undone), err)
		}
		if u := w.load(ref).Attempt.Undoing; undone == 0 && (u.Outcome != incident.Failed || !strings.Contains(u.Steps[0].Detail, "deploys go wrong")) {
			t.Errorf("it is not said why it was not undone: %+v", u)
		}
		if inc := w.closed(ref); inc.EscalationReason != incident.ReasonFixUnverified && inc.EscalationReason != incident.ReasonFixUnknown {
			t.Errorf("%s: it ends %s, %s", stop, inc.Status, inc.EscalationReason)
		}
	}
}

func TestWhoStopsSaysWhyAndSecretsInItAreNotKept(t *testing.T) {
	w := newWorld(t)
	for _, why := range []string{"", "  \t", strings.Repeat("x", incident.MaxBrakeReason+1)} {
		if _, err := w.killSwitch().Set(t.Context(), incident.StopFixes, "key:ben", why); incident.KindOf(err) != incident.Invalid {
			t.Errorf("%.10q: %v", why, err)
		}
	}
	w.stop(incident.StopAll, "leaked AKIAIOSFODNN7EXAMPLE\nstop")
	b, err := w.killSwitch().Look(t.Context())
	why := b.Last().Reason
	if err != nil || strings.Contains(why, "AKIAIOSFODNN7EXAMPLE") || strings.Contains(why, "\n") || b.Stops() != incident.StopAll {
		t.Errorf("%+v, %v", b, err)
	}
}

const frozen = `
freezes:
  - {name: new year, services: [real], cron: "0 0 1 1 *", for: 28h, timezone: UTC, except: [scale-out]}
services:
  real:
    owner: platform
    target: {type: ecs, cluster: blue}
    fixes: [restart-service]
  api:
    owner: platform
    target: {type: simulated}
    fixes: [restart-service]
`

func TestNoFixBeginsInAFreezeWindowAndPeopleAreToldBefore(t *testing.T) {
	w := newWorld(t)
	w.services(frozen)
	ref, other := w.approved("real"), w.approved("api")
	caution := w.load(ref).Caution
	if want := `frozen until 2026-01-02 04:00 UTC by the window "new year"`; !strings.Contains(caution, want) || w.load(other).Caution != "" {
		t.Errorf("people are told %q, and of another service %q; want %q", caution, w.load(other).Caution, want)
	}
	if told := sprint(w.chat.posts); !strings.Contains(told, "new year") {
		t.Errorf("the message does not say so: %s", told)
	}
	w.wantStopped(ref, `the window "new year" until 2026-01-02T04:00:00.000Z`)
	if _, err := w.execute().Handle(t.Context(), other); err != nil {
		t.Errorf("another service's: %v", err)
	}
	w.clock.move(57 * time.Minute)
	if ref := w.approved("real"); w.load(ref).Caution != "" {
		t.Errorf("after the window: %q", w.load(ref).Caution)
	} else if _, err := w.execute().Handle(t.Context(), ref); err != nil {
		t.Errorf("after the window: %v", err)
	}
}
