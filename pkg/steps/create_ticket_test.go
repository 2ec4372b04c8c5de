package steps_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func (w *world) ticketed(ref incident.Ref, waitError string) (steps.CreateTicketOutput, error) {
	in := steps.CreateTicketInput{Ref: ref}
	if waitError != "" {
		in.WaitError = &steps.StateError{Error: waitError}
	}
	return w.ticket().Handle(w.Context(), in)
}

func TestAFreeDecisionSlotIsTakenForTheReasonItWasFree(t *testing.T) {
	pastDeadline := func(w *world, ref incident.Ref) { w.clock.move(w.load(ref).Asked.Deadline.Sub(epoch)) }
	for _, c := range []struct {
		name, waitError string
		prepare         func(w *world) incident.Ref
		want            incident.Reason
	}{
		{"the wait ran out", "States.Timeout", func(w *world) incident.Ref { return w.asked("api") }, incident.ReasonApprovalTimeout},
		{"the deadline passed, unsaid", "", func(w *world) incident.Ref { ref := w.asked("api"); pastDeadline(w, ref); return ref }, incident.ReasonApprovalTimeout},
		{"one of two approved in time", "States.Timeout", func(w *world) incident.Ref {
			ref := w.asked("pair")
			if _, err := w.vote(ref, incident.Approve, incident.KeyActor("anna")); err != nil {
				w.Fatal(err)
			}
			return ref
		}, incident.ReasonApprovalTimeout},
		{"the wait failed before its deadline", "Unavailable", func(w *world) incident.Ref { return w.asked("api") }, incident.ReasonStepFailed},
		{"nobody was ever asked", "States.Timeout", func(w *world) incident.Ref { return w.analyzed("api") }, incident.ReasonStepFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ref := c.prepare(w)
			out, err := w.ticketed(ref, c.waitError)
			if err != nil || out.Key == nil || *out.Key != "T-"+ref.ID {
				t.Fatalf("%+v %v", out, err)
			}
			d := w.load(ref).Decision
			if d == nil || d.Action != incident.Escalate || d.By != incident.System || d.Reason != string(c.want) {
				t.Errorf("%+v, want %s", d, c.want)
			}
			if _, err := w.vote(ref, incident.Approve, incident.KeyActor("anna")); incident.KindOf(err) != incident.Expired {
				t.Errorf("approving after that: %v", err)
			}
			if inc := w.closed(ref); inc.Status != incident.Escalated || inc.EscalationReason != c.want {
				t.Errorf("%s %s", inc.Status, inc.EscalationReason)
			}
		})
	}
}

func TestAnApprovalThatNobodyActedOnIsRefusedBeforeTheTicket(t *testing.T) {
	for waitError, want := range map[string]incident.Reason{
		"States.Timeout": incident.ReasonDecisionUndelivered, "Unavailable": incident.ReasonDecisionUndelivered, "": incident.ReasonStepFailed,
	} {
		w := newWorld(t)
		ref := w.approved("api")
		w.tracker.onOpen = func(incident.Ref) error {
			// Somebody reads the ticket: the fix must not start behind their back.
			_, err := w.execute().Handle(t.Context(), ref)
			wantCode(t, "a claim that comes later", err, incident.CodeRefused)
			return nil
		}
		if out, err := w.ticketed(ref, waitError); err != nil || out.Key == nil {
			t.Fatalf("%q: %+v %v", waitError, out, err)
		}
		if inc := w.load(ref); inc.Refusal != want || len(w.executor.runs) > 0 {
			t.Errorf("%q: refused %q, %d runs; want %q", waitError, inc.Refusal, len(w.executor.runs), want)
		}
		if inc := w.closed(ref); inc.EscalationReason != want {
			t.Errorf("%q: escalated for %q", waitError, inc.EscalationReason)
		}
	}
}

func TestAnApprovalThatRacesTheTimeoutEitherStandsOrIsTooLate(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	w.store.onCommit = before(incident.EventDecided, func() {
		w.store.onCommit = nil
		if _, err := w.vote(ref, incident.Approve, incident.KeyActor("anna")); err != nil {
			t.Error(err)
		}
	})
	if _, err := w.ticketed(ref, "States.Timeout"); err != nil {
		t.Fatal(err)
	}
	if inc := w.load(ref); inc.Decision.Action != incident.Approve || inc.Refusal != incident.ReasonDecisionUndelivered {
		t.Errorf("%+v, refused %q", inc.Decision, inc.Refusal)
	}
}

func TestATicketSaysWhyItIsThere(t *testing.T) {
	w := newWorld(t)
	ref := w.executed("api", incident.Result{Outcome: incident.Failed})
	if _, err := w.ticketed(ref, ""); err != nil {
		t.Fatal(err)
	}
	b := w.tracker.opened[0]
	if b.IncidentID != ref.ID || b.Escalated != brief.ReasonText(incident.ReasonFixFailed) || b.Outcome != "failed: nothing was changed" || b.Decision == "" {
		t.Errorf("%+v", b)
	}
	if b.Links.Approve+b.Links.Escalate+b.Links.Resolve != "" || !strings.HasSuffix(b.Links.View, ref.ID) {
		t.Error("the ticket can decide, or does not lead back")
	}
}

func TestATicketIsOpenedOnceHoweverOftenTheStepRuns(t *testing.T) {
	w := newWorld(t)
	ref := w.decided("api", incident.Escalate)
	first, err := w.ticketed(ref, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"again", "after closing"} {
		out, err := w.ticketed(ref, "")
		if err != nil || *out.Key != *first.Key || *out.URL != *first.URL || *out.Tracker != "fake" || len(w.tracker.opened) != 1 {
			t.Errorf("%s: %+v %v, opened %d times", when, out, err, len(w.tracker.opened))
		}
		w.closed(ref)
	}
}

func TestATrackerOrStoreThatFailsIsWorthAnotherTry(t *testing.T) {
	for name, cut := range map[string]func(w *world){
		"the tracker":                     func(w *world) { w.tracker.onOpen = func(incident.Ref) error { return errWire } },
		"the record of the ticket":        func(w *world) { w.store.onCommit = neverWritten(incident.EventTicket) },
		"the answer to that record":       func(w *world) { w.store.onCommit = lostReply(incident.EventTicket) },
		"the settling of the decision":    func(w *world) { w.store.onCommit = neverWritten(incident.EventDecided) },
		"the answer to the settling":      func(w *world) { w.store.onCommit = lostReply(incident.EventDecided) },
		"the look at the incident itself": func(w *world) { w.store.onLoad = func(incident.Ref) error { return errWire } },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ref := w.asked("api")
			cut(w)
			_, err := w.ticketed(ref, "States.Timeout")
			wantCode(t, name, err, incident.CodeUnavailable)
			if steps.ErrorName(err) != "Unavailable" {
				t.Errorf("named %s, which is not retried", steps.ErrorName(err))
			}
			w.tracker.onOpen, w.store.onCommit, w.store.onLoad = nil, nil, nil
			out, err := w.ticketed(ref, "States.Timeout")
			if err != nil || out.Key == nil || w.count(ref, incident.EventTicket) != 1 || w.count(ref, incident.EventDecided) != 1 {
				t.Errorf("the retry: %+v %v, %v", out, err, w.events(ref))
			}
		})
	}
}

func TestWhatEndsResolvedGetsNoTicket(t *testing.T) {
	for name, prepare := range map[string]func(w *world) incident.Ref{
		"closed by hand, undelivered": func(w *world) incident.Ref { return w.decided("api", incident.Resolve) },
		"fixed": func(w *world) incident.Ref {
			return w.executed("api", incident.Result{Outcome: incident.Fixed, Verified: true})
		},
		"already RESOLVED": func(w *world) incident.Ref { return w.closed(w.decided("api", incident.Resolve)).Ref },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ref := prepare(w)
			out, err := w.ticketed(ref, "States.Timeout")
			if err != nil || out != (steps.CreateTicketOutput{}) || len(w.tracker.opened) > 0 {
				t.Errorf("%+v %v, opened %d", out, err, len(w.tracker.opened))
			}
			if inc := w.closed(ref); inc.Status != incident.Resolved {
				t.Errorf("%s %s", inc.Status, inc.EscalationReason)
			}
		})
	}
}
