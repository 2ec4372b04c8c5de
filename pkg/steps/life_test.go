package steps_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// What follows brings an incident to a point of its life through the steps
// themselves, failing the test where that does not work.

func alert(service, key string) incident.Alert {
	return incident.Alert{Tenant: incident.DefaultTenant, Source: "api", Service: service, ErrorLogs: heapLogs, Severity: incident.High, DedupKey: key}
}

func (w *world) send(a incident.Alert) (steps.Ingested, error) {
	return w.ingest().Handle(w.Context(), steps.IngestInput{Alert: a, By: incident.SourceActor(a.Source)})
}

// sent is the incident that an alert opened or joined.
func (w *world) sent(a incident.Alert) incident.Ref {
	w.Helper()
	got, err := w.send(a)
	if err != nil {
		w.Fatalf("ingest: %v", err)
	}
	return incident.Ref{Tenant: a.Tenant, ID: got.IncidentID}
}

func (w *world) detected(service string) incident.Ref {
	w.Helper()
	key := "trouble " + w.newID()
	ref := w.sent(alert(service, key))
	w.keys[ref.ID] = key
	return ref
}

// analyzed is detected, and analysed by the rules.
func (w *world) analyzed(service string) incident.Ref {
	w.Helper()
	ref := w.detected(service)
	if _, err := w.analyze(nil).Handle(w.Context(), ref); err != nil {
		w.Fatalf("analyze: %v", err)
	}
	return ref
}

// waiting makes the state machine's calls of plan-fix and wait-for-approval.
func (w *world) waiting(ref incident.Ref, token incident.TaskToken, retries int64) error {
	w.Helper()
	if _, err := w.plan().Handle(w.Context(), ref); err != nil && incident.CodeOf(err) != incident.CodeTransition {
		w.Logf("plan-fix: %v", err)
	}
	return w.wait().Handle(w.Context(), steps.WaitInput{Ref: ref, TaskToken: token, EnteredTime: epoch, RetryCount: retries})
}

// asked is analyzed, and people asked.
func (w *world) asked(service string) incident.Ref {
	w.Helper()
	ref := w.analyzed(service)
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		w.Fatalf("wait-for-approval: %v", err)
	}
	return ref
}

func (w *world) vote(ref incident.Ref, action incident.Action, by incident.Actor) (steps.ApproveFixOutput, error) {
	return w.approve().Handle(w.Context(), steps.ApproveFixInput{Ref: ref, Action: action, By: by})
}

// decided is asked, and decided by one person.
func (w *world) decided(service string, action incident.Action) incident.Ref {
	w.Helper()
	ref := w.asked(service)
	if _, err := w.vote(ref, action, incident.KeyActor("anna")); err != nil {
		w.Fatalf("%s: %v", action, err)
	}
	return ref
}

func (w *world) approved(service string) incident.Ref {
	w.Helper()
	return w.decided(service, incident.Approve)
}

// recovered reports that what an alert told of is over.
func (w *world) recovered(a incident.Alert) (steps.Ingested, error) {
	a.Recovered = true
	return w.send(a)
}

// executed is approved, and the fix ended as the executor says.
func (w *world) executed(service string, result incident.Result) incident.Ref {
	w.Helper()
	ref := w.approved(service)
	w.executor.result = result
	if _, err := w.execute().Handle(w.Context(), ref); err != nil {
		w.Fatalf("execute-fix: %v", err)
	}
	return ref
}

// closed ends an incident as the state machine would.
func (w *world) closed(ref incident.Ref) incident.Incident {
	w.Helper()
	if _, err := w.ticket().Handle(w.Context(), steps.CreateTicketInput{Ref: ref}); err != nil {
		w.Fatalf("create-ticket: %v", err)
	}
	if _, err := w.resolution().Handle(w.Context(), steps.LogResolutionInput{Ref: ref}); err != nil {
		w.Fatalf("log-resolution: %v", err)
	}
	return w.load(ref)
}

// load reads past every fault.
func (w *world) load(ref incident.Ref) incident.Incident {
	w.Helper()
	inc, err := w.store.Store.Load(w.Context(), ref)
	if err != nil {
		w.Fatalf("load %s: %v", ref, err)
	}
	return inc
}

// events is the actions in an incident's trail, in order.
func (w *world) events(ref incident.Ref) (actions []incident.EventAction) {
	w.Helper()
	events, err := w.store.Store.Events(w.Context(), ref)
	if err != nil {
		w.Fatalf("events of %s: %v", ref, err)
	}
	for _, e := range events {
		actions = append(actions, e.Action)
	}
	return actions
}

// count is how often an action stands in the trail.
func (w *world) count(ref incident.Ref, action incident.EventAction) (n int) {
	w.Helper()
	for _, a := range w.events(ref) {
		if a == action {
			n++
		}
	}
	return n
}

// last is the newest event of an incident.
func (w *world) last(ref incident.Ref) incident.Event {
	w.Helper()
	events, err := w.store.Store.Events(w.Context(), ref)
	if err != nil || len(events) == 0 {
		w.Fatalf("events of %s: %v, %v", ref, events, err)
	}
	return events[len(events)-1]
}

// wantCode fails the test unless the error has the code; "" wants none at all.
func wantCode(t *testing.T, what string, err error, want incident.Code) {
	t.Helper()
	if got := incident.CodeOf(err); got != want || want == "" && err != nil {
		t.Errorf("%s: got %q (%v), want %q", what, got, err, want)
	}
}

// errWire is what a cut wire looks like.
var errWire = incident.Unavail("the wire was cut", errors.New("connection reset"))

// minute is a moment that changes nothing but the clock.
const minute = time.Minute

// sprint is everything that a value shows, unexported fields included.
func sprint(v any) string { return fmt.Sprintf("%#v %+v", v, v) }
