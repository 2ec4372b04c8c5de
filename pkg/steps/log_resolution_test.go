package steps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func (w *world) resolve(ref incident.Ref, ticketError string) (steps.LogResolutionOutput, error) {
	in := steps.LogResolutionInput{Ref: ref}
	if ticketError != "" {
		in.TicketError = &steps.StateError{Error: ticketError, Cause: "hostile text of a tracker"}
	}
	return w.resolution().Handle(w.Context(), in)
}

// fixEnded is an incident whose fix ended so.
func fixEnded(r incident.Result) func(w *world) incident.Ref {
	return func(w *world) incident.Ref { return w.executed("real", r) }
}

// fixRefused is an incident whose approved fix is refused for what happens before.
func fixRefused(happens func(w *world, ref incident.Ref)) func(w *world) incident.Ref {
	return func(w *world) incident.Ref {
		ref := w.approved("real")
		happens(w, ref)
		if _, err := w.execute().Handle(w.Context(), ref); err == nil {
			w.Fatal("the fix was not refused")
		}
		return ref
	}
}

func mustRecover(w *world, ref incident.Ref) {
	if _, err := w.recovered(w.alertOf(ref)); err != nil {
		w.Fatal(err)
	}
}

func TestEveryEndHasItsStatusAndReason(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(w *world) incident.Ref
		status  incident.Status
		reason  incident.Reason
	}{
		{"fixed", fixEnded(incident.Result{Outcome: incident.Fixed, Verified: true}), incident.Resolved, ""},
		{"simulated", fixEnded(incident.Result{Outcome: incident.Simulated, Verified: true}), incident.Resolved, ""},
		{"closed by hand", func(w *world) incident.Ref { return w.decided("api", incident.Resolve) }, incident.Resolved, ""},
		{"recovered", func(w *world) incident.Ref { ref := w.asked("api"); mustRecover(w, ref); return ref }, incident.Resolved, ""},
		{"chosen", func(w *world) incident.Ref { return w.decided("api", incident.Escalate) }, incident.Escalated, incident.ReasonChosen},
		{"timeout", func(w *world) incident.Ref { ref := w.asked("api"); w.clock.move(time.Hour); return ref }, incident.Escalated, incident.ReasonApprovalTimeout},
		{"stale approval", fixRefused(func(w *world, _ incident.Ref) { w.clock.move(2 * incident.MaxApprovalAge) }), incident.Escalated, incident.ReasonApprovalStale},
		{"stale plan", fixRefused(func(w *world, _ incident.Ref) {
			w.services(strings.ReplaceAll(services, "cluster: blue", "cluster: green"))
		}), incident.Escalated, incident.ReasonPlanStale},
		{"recovered before the claim", fixRefused(mustRecover), incident.Resolved, ""},
		{"failed", fixEnded(incident.Result{Outcome: incident.Failed}), incident.Escalated, incident.ReasonFixFailed},
		{"unverified", fixEnded(incident.Result{Outcome: incident.Fixed}), incident.Escalated, incident.ReasonFixUnverified},
		{"unknown", fixEnded(incident.Result{Outcome: incident.Unknown}), incident.Escalated, incident.ReasonFixUnknown},
		{"nobody was asked", func(w *world) incident.Ref { return w.detected("api") }, incident.Escalated, incident.ReasonStepFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ref := c.prepare(w)
			inc := w.closed(ref)
			if inc.Status != c.status || inc.EscalationReason != c.reason || (inc.Ticket != nil) != (c.status == incident.Escalated) {
				t.Errorf("%s %q, ticket %+v; want %s %q", inc.Status, inc.EscalationReason, inc.Ticket, c.status, c.reason)
			}
			if last := w.last(ref); last.Details["reason"] != string(c.reason) {
				t.Errorf("the trail says %+v", last)
			}
			if _, err := w.store.Holder(t.Context(), inc.Tenant, inc.Fingerprint); (err == nil) != (c.status == incident.Escalated) {
				t.Errorf("who holds its fingerprint: %v", err)
			}
			if _, err := w.store.Wait(t.Context(), ref); incident.KindOf(err) != incident.NotFound {
				t.Errorf("its task token is still there: %v", err)
			}
		})
	}
}

func TestClosingAgainAnswersTheFirstEnd(t *testing.T) {
	w := newWorld(t)
	ref := w.decided("api", incident.Resolve)
	w.closed(ref)
	version := w.load(ref).Version
	out, err := w.resolve(ref, "TrackerDown")
	if err != nil || out.Status != incident.Resolved || w.load(ref).Version != version {
		t.Errorf("%+v %v, version %d then %d", out, err, version, w.load(ref).Version)
	}
}

func TestEscalationIsNotLostWithItsTicket(t *testing.T) {
	w := newWorld(t)
	ref := w.decided("api", incident.Escalate)
	w.tracker.onOpen = func(incident.Ref) error { return errWire }
	if _, err := w.ticketed(ref, ""); err == nil {
		t.Fatal("the ticket was opened")
	}
	out, err := w.resolve(ref, "Unavailable")
	if err != nil || out.Status != incident.Escalated {
		t.Fatalf("%+v %v", out, err)
	}
	inc, last := w.load(ref), w.last(ref)
	if inc.EscalationReason != incident.ReasonChosen || inc.Ticket != nil || last.Details["ticketFailure"] != "create-ticket gave up: Unavailable" {
		t.Errorf("%+v, %+v", inc, last)
	}
	if b := w.chat.edits[len(w.chat.edits)-1].Brief; !strings.Contains(string(b.Ticket), "could not be opened") {
		t.Errorf("people are told of the ticket: %q", b.Ticket)
	}
}

func TestMessagesShowTheEndAndOfferNothingMore(t *testing.T) {
	w := newWorld(t)
	mail, quiet := &channel{name: "mail"}, &channel{name: "quiet", onPost: func(brief.Brief) error { return errWire }}
	w.channels = []steps.Channel{w.chat, mail, quiet}
	ref := w.decided("api", incident.Escalate)
	w.closed(ref)
	for _, ch := range []*channel{w.chat, mail} {
		if len(ch.edits) == 0 {
			t.Fatalf("%s shows the old state", ch.name)
		}
		last := ch.edits[len(ch.edits)-1]
		if last.MessageID != ch.name+"-1" || last.Brief.Status != incident.Escalated || last.Brief.Escalated == "" || last.Brief.Ticket == "" {
			t.Errorf("%s: %+v", ch.name, last)
		}
		if l := last.Brief.Links; l.Approve+l.Escalate+l.Resolve != "" {
			t.Errorf("%s still offers to decide", ch.name)
		}
	}
	if len(quiet.edits) > 0 {
		t.Error("a message that was never posted was edited")
	}
}

func TestAChannelThatCannotBeBroughtUpToDateDoesNotKeepTheIncidentOpen(t *testing.T) {
	w := newWorld(t)
	mail := &channel{name: "mail"}
	w.channels = []steps.Channel{w.chat, mail}
	ref := w.decided("api", incident.Resolve)
	w.chat.onEdit = func() error { return errWire }
	before := len(mail.edits)
	if inc := w.closed(ref); inc.Status != incident.Resolved || len(mail.edits) != before+1 {
		t.Errorf("%s, %d edits elsewhere", inc.Status, len(mail.edits)-before)
	}
}

// A channel may be taken out of the settings while an incident waits.
func TestAChannelThatIsGoneIsPassedOver(t *testing.T) {
	w := newWorld(t)
	ref := w.decided("api", incident.Resolve)
	w.channels = nil
	if inc := w.closed(ref); inc.Status != incident.Resolved {
		t.Errorf("%s", inc.Status)
	}
}

func TestClosingWaitsForTheStore(t *testing.T) {
	w := newWorld(t)
	ref := w.decided("api", incident.Resolve)
	w.store.onCommit = lostReply(incident.EventResolved)
	before := len(w.chat.edits)
	_, err := w.resolve(ref, "")
	wantCode(t, "a lost reply", err, incident.CodeUnavailable)
	if len(w.chat.edits) != before {
		t.Error("people were told of an end that may not be recorded")
	}
	out, err := w.resolve(ref, "")
	if err != nil || out.Status != incident.Resolved || w.count(ref, incident.EventResolved) != 1 || len(w.chat.edits) != before+1 {
		t.Errorf("the retry: %+v %v, %v", out, err, w.events(ref))
	}
}
