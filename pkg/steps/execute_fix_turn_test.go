package steps_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// wantQueued executes and fails the test unless the fix waits for the holder's to
// end, with nothing claimed and nothing refused.
func (w *world) wantQueued(ref, holder incident.Ref) {
	w.Helper()
	_, err := w.execute().Handle(w.Context(), ref)
	if steps.ErrorName(err) != steps.NameTargetBusy {
		w.Errorf("answered %v, named %s", err, steps.ErrorName(err))
	}
	inc := w.load(ref)
	if inc.Attempt != nil || inc.Refusal != "" || inc.Queued == nil || inc.Queued.Holder != holder.ID {
		w.Errorf("attempt %+v, refusal %q, queued %+v; want it to wait for %s", inc.Attempt, inc.Refusal, inc.Queued, holder.ID)
	}
}

// lost claims a fix, runs it, and loses the record of how it ended.
func (w *world) lost(service string) incident.Ref {
	w.Helper()
	ref := w.approved(service)
	w.store.onCommit = neverWritten(incident.EventFixApplied)
	if _, err := w.execute().Handle(w.Context(), ref); err == nil {
		w.Fatal("the result was written")
	}
	w.store.onCommit = nil
	return ref
}

// real and twin are two services on one cluster.
func TestAFixWaitsForItsTurnOnABusyTarget(t *testing.T) {
	w := newWorld(t)
	first, second := w.approved("real"), w.approved("twin")
	w.executor.onRun = func(context.Context) {
		w.executor.onRun = nil
		for range 3 {
			w.wantQueued(second, first)
		}
		if n := w.count(second, incident.EventFixQueued); n != 1 {
			t.Errorf("that it waits for one and the same fix was recorded %d times", n)
		}
		line := brief.Of(w.load(second), brief.Links{}, w.clock.now()).StatusLine
		if !strings.Contains(line, "approved; waiting for "+first.ID+" to finish") {
			t.Errorf("people are told %q", line)
		}
	}
	if _, err := w.execute().Handle(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if out, err := w.execute().Handle(t.Context(), second); err != nil || out.Outcome != incident.Fixed {
		t.Errorf("after the first ended: %+v %v", out, err)
	}
	if inc := w.closed(second); inc.Status != incident.Resolved || len(w.executor.runs) != 2 {
		t.Errorf("%s after %d runs", inc.Status, len(w.executor.runs))
	}
}

// What cannot be written of the waiting is missing from the record; the fix waits
// all the same.
func TestAFixWaitsEvenWhenThatCannotBeRecorded(t *testing.T) {
	w := newWorld(t)
	first, second := w.approved("real"), w.approved("twin")
	w.store.onCommit = neverWritten(incident.EventFixQueued)
	w.executor.onRun = func(context.Context) {
		_, err := w.execute().Handle(t.Context(), second)
		wantCode(t, "the second", err, incident.CodeTargetBusy)
	}
	if _, err := w.execute().Handle(t.Context(), first); err != nil {
		t.Fatal(err)
	}
}

// After the claim nothing may be called by the name that the state machine repeats.
func TestOnlyAnUnclaimedFixIsCalledBusy(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("real")
	w.store.onCommit = func(c incident.Change, real func() error) error {
		if c.Take != nil {
			return real()
		}
		return errWire
	}
	_, err := w.execute().Handle(t.Context(), ref)
	if name := steps.ErrorName(err); err == nil || name == steps.NameTargetBusy || name == steps.NameNotStarted {
		t.Errorf("a claimed fix whose result is lost is called %s", steps.ErrorName(err))
	}
	w.store.onCommit = nil
	if out, err := w.execute().Handle(t.Context(), ref); err != nil || len(w.executor.runs) != 1 {
		t.Errorf("called again: %+v %v, %d runs", out, err, len(w.executor.runs))
	}
}

// The reason is what happened: the target was held to the end, or it was not and
// the approval grew old otherwise.
func TestAnApprovalThatGrowsOldWaitingSaysWhatForAndWhy(t *testing.T) {
	for _, c := range []struct {
		name string
		ends bool // the fix that is waited for ends in time
		want incident.Reason
	}{
		{"the target was held to the end", false, incident.ReasonTargetBusy},
		{"the target became free, and OpsGuard was not there to see it", true, incident.ReasonApprovalStale},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			first, second := w.approved("real"), w.approved("twin")
			w.clock.move(minute)
			w.executor.onRun = func(context.Context) {
				w.wantQueued(second, first)
				w.clock.move(incident.MaxApprovalAge - minute + time.Millisecond)
				if !c.ends {
					w.wantRefused(second, c.want, "ApprovalStale")
				}
			}
			if _, err := w.execute().Handle(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			if c.ends {
				w.wantRefused(second, c.want, "ApprovalStale")
			}
			said := w.last(second).Details
			if said["waitedFor"] != first.ID || said["waitedSince"] != incident.FormatTime(epoch.Add(minute)) {
				t.Errorf("the trail says %v", said)
			}
			inc := w.closed(second)
			text := brief.Of(inc, brief.Links{}, w.clock.now()).Escalated
			if inc.EscalationReason != c.want || strings.Contains(text, first.ID) != (c.want == incident.ReasonTargetBusy) {
				t.Errorf("it ended as %s: %q", inc.EscalationReason, text)
			}
		})
	}
}

// A state machine that gives up waiting says so, and the door is closed.
func TestATurnThatNeverCameIsNotCalledAFailedStep(t *testing.T) {
	w := newWorld(t)
	first := w.lost("real")
	second := w.approved("twin")
	w.wantQueued(second, first)
	in := steps.CreateTicketInput{Ref: second, FixError: &steps.StateError{Error: steps.NameTargetBusy}}
	if _, err := w.ticket().Handle(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if inc := w.closed(second); inc.EscalationReason != incident.ReasonTargetBusy {
		t.Errorf("escalated as %s", inc.EscalationReason)
	}
}

// Where one process has the store, a rerun by the next one knows that nothing acts
// any more. What the dead one began may still go on at a real target.
func TestARerunGivesTheTargetBackWhenNothingCanBeUnderWay(t *testing.T) {
	for _, c := range []struct {
		service, next string
		seen          bool
		free          bool
	}{
		{"real", "second", true, true},
		{"real", "second", false, false},
		{"api", "second", true, true},
		{"api", "second", false, true}, // simulated: nothing was begun
		{"real", "first", true, false}, // the same process: the first call may still act
		{"api", "first", false, false},
		{"real", "", true, false}, // several processes: the one that acted may live
		{"api", "", true, false},
	} {
		t.Run(fmt.Sprintf("%s, rerun by %q, seen %v", c.service, c.next, c.seen), func(t *testing.T) {
			w := newWorld(t)
			w.runner = "first"
			ref := w.lost(c.service)
			w.runner, w.executor.verified = c.next, c.seen
			if _, err := w.execute().Handle(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
			w.closed(ref)
			if !c.free {
				w.clock.move(w.load(ref).Attempt.Until.Sub(w.clock.now()) - minute)
			}
			next := w.approved(c.service)
			if !c.free {
				w.wantQueued(next, ref)
				w.clock.move(minute)
			}
			if _, err := w.execute().Handle(t.Context(), next); err != nil || len(w.executor.runs) != 2 {
				t.Errorf("the next fix of the target: %v, %d runs", err, len(w.executor.runs))
			}
		})
	}
}

// The call that acted has answered and does not know how it ended: on a real target
// the fix may go on.
func TestATargetWhoseFixMayGoOnStaysTaken(t *testing.T) {
	for service, free := range map[string]bool{"real": false, "api": true} {
		w := newWorld(t)
		ref := w.executed(service, incident.Result{Outcome: incident.Unknown})
		w.executor.result = incident.Result{Outcome: incident.Fixed, Verified: true}
		next := w.approved(service)
		if !free {
			w.wantQueued(next, ref)
			continue
		}
		if _, err := w.execute().Handle(t.Context(), next); err != nil {
			t.Errorf("%s: %v", service, err)
		}
	}
}

func TestATargetWhoseFixWasNeverHeardOfAgainIsFreeInTime(t *testing.T) {
	w := newWorld(t)
	lost := w.lost("real")
	w.clock.move(w.load(lost).Attempt.Until.Sub(w.clock.now()) - minute)
	next := w.approved("twin")
	w.wantQueued(next, lost)
	w.clock.move(w.load(lost).Attempt.Until.Sub(w.clock.now()) - time.Millisecond)
	w.wantQueued(next, lost)
	w.clock.move(time.Millisecond)
	if out, err := w.execute().Handle(t.Context(), next); err != nil || out.Outcome != incident.Fixed {
		t.Errorf("after the hold lapsed: %+v %v", out, err)
	}
}

func TestWhatRecoversWhileItWaitsIsResolvedWithoutItsFix(t *testing.T) {
	w := newWorld(t)
	first := w.lost("real")
	second := w.approved("twin")
	w.wantQueued(second, first)
	if _, err := w.recovered(w.alertOf(second)); err != nil {
		t.Fatal(err)
	}
	w.wantRefused(second, "recovered", "Recovered")
	if inc := w.closed(second); inc.Status != incident.Resolved {
		t.Errorf("%s", inc.Status)
	}
}

const groupedServices = `
services:
  web-1: {owner: o, target: {type: ecs, name: one}, fixes: [restart-service], health: {url: "https://one.example.com/healthz"}, approval: {quorum: 1}}
  web-2: {owner: o, target: {type: ecs, name: two}, fixes: [restart-service]}
groups:
  web: {services: [web-1, web-2], atOnce: 1}
`

func TestAFixWaitsForAPlaceInItsGroup(t *testing.T) {
	w := newWorld(t)
	w.services(groupedServices)
	first, second := w.approved("web-1"), w.approved("web-2")
	w.executor.onRun = func(context.Context) {
		w.executor.onRun = nil
		w.wantQueued(second, first)
		line := brief.Of(w.load(second), brief.Links{}, w.clock.now()).StatusLine
		if !strings.Contains(line, "waiting for a place in the group web, where "+first.ID+" came first") {
			t.Errorf("people are told %q", line)
		}
	}
	if _, err := w.execute().Handle(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if out, err := w.execute().Handle(t.Context(), second); err != nil || out.Outcome != incident.Fixed {
		t.Errorf("after the first ended: %+v %v", out, err)
	}
}

func TestAnApprovalThatGrowsOldBeforeAFullGroupSaysSo(t *testing.T) {
	w := newWorld(t)
	w.services(groupedServices)
	first, second := w.approved("web-1"), w.approved("web-2")
	w.clock.move(minute)
	w.executor.onRun = func(context.Context) {
		w.wantQueued(second, first)
		w.clock.move(incident.MaxApprovalAge - minute + time.Millisecond)
		w.wantRefused(second, incident.ReasonTargetBusy, "ApprovalStale")
	}
	if _, err := w.execute().Handle(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if said := w.last(second).Details; said["waitedFor"] != first.ID || said["group"] != "web" {
		t.Errorf("the trail says %v", said)
	}
	if text := brief.Of(w.closed(second), brief.Links{}, w.clock.now()).Escalated; !strings.Contains(text, "its group web had no place; the fix of "+first.ID) {
		t.Errorf("people are told %q", text)
	}
}

// What was approved under other terms is not done.
func TestAChangeOfTheTermsMakesAnApprovedPlanStale(t *testing.T) {
	for name, change := range map[string][2]string{
		"another health URL":         {"https://one.example.com/healthz", "https://other.example.com/healthz"},
		"more people must approve":   {"quorum: 1", "quorum: 2"},
		"another limit of the group": {"  web: {services: [web-1, web-2], atOnce: 1}", "  front: {services: [web-1, web-2], atOnce: 1}"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.services(groupedServices)
			ref := w.approved("web-1")
			w.services(strings.Replace(groupedServices, change[0], change[1], 1))
			w.wantRefused(ref, incident.ReasonPlanStale, "PlanStale")
		})
	}
}
