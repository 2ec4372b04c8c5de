package steps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// escalated is an incident that a person escalated, with its ticket.
func (w *world) escalated(service string) (incident.Ref, incident.Alert) {
	w.Helper()
	ref := w.decided(service, incident.Escalate)
	w.closed(ref)
	return ref, w.alertOf(ref)
}

func (w *world) voted(ref incident.Ref, action incident.Action, by incident.Actor) steps.ApproveFixOutput {
	w.Helper()
	out, err := w.approve().Handle(w.Context(), steps.ApproveFixInput{Ref: ref, Action: action, By: by, Note: "seen"})
	if err != nil {
		w.Fatalf("%s by %s: %v", action, by, err)
	}
	return out
}

// A trouble that was escalated is somebody's already: its repeats are counted, its
// ticket is told once an hour, and nobody is asked anew.
func TestARepeatOfAnEscalatedTroublePagesNobodyAndTellsTheTicket(t *testing.T) {
	w := newWorld(t)
	ref, a := w.escalated("api")
	posts := len(w.chat.posts)
	for range 50 {
		w.clock.move(2 * time.Minute)
		if got, err := w.send(a); err != nil || got.IncidentID != ref.ID || !got.Duplicate || got.Status != incident.Escalated {
			t.Fatalf("%+v %v", got, err)
		}
		if _, err := w.reconcile().Handle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	inc := w.load(ref)
	if len(w.all()) != 1 || inc.Occurrences != 51 || len(w.chat.posts) != posts {
		t.Errorf("%d incidents, %d occurrences, %d more messages", len(w.all()), inc.Occurrences, len(w.chat.posts)-posts)
	}
	if told := len(w.tracker.told); told != 2 || w.tracker.told[0].Occurrences != 2 || w.tracker.told[1].Occurrences < 30 {
		t.Errorf("the ticket was told %d times in 100 minutes: %+v", told, w.tracker.told)
	}
}

func TestARepeatThatIsWorseRaisesAnEscalatedIncidentAndTellsTheTicket(t *testing.T) {
	w := newWorld(t)
	ref, a := w.escalated("api")
	posts := len(w.chat.posts)
	a.Severity = incident.Critical
	if got, err := w.send(a); err != nil || got.IncidentID != ref.ID {
		t.Fatalf("%+v %v", got, err)
	}
	w.repaired(steps.ReconcileReport{Told: 1})
	if told := w.tracker.told; len(told) != 1 || told[0].Severity != incident.Critical || len(w.chat.posts) != posts {
		t.Errorf("told %+v, %d more messages", told, len(w.chat.posts)-posts)
	}
}

func TestATroubleThatComesBackAfterADayOpensAnotherIncident(t *testing.T) {
	w := newWorld(t)
	ref, a := w.escalated("api")
	w.clock.move(24*time.Hour - time.Millisecond)
	if got, err := w.send(a); err != nil || got.IncidentID != ref.ID {
		t.Fatalf("just before: %+v %v", got, err)
	}
	w.clock.move(time.Millisecond)
	got, err := w.send(a)
	if err != nil || got.IncidentID == ref.ID || got.Duplicate || got.Status != incident.Detected {
		t.Fatalf("after a day: %+v %v", got, err)
	}
	old := w.load(ref)
	if old.Status != incident.Escalated || old.Occurrences != 2 || w.last(ref).Action != incident.EventReleased {
		t.Errorf("the old one is %s with %d occurrences, last %s", old.Status, old.Occurrences, w.last(ref).Action)
	}
	if again, err := w.send(a); err != nil || again.IncidentID != got.IncidentID {
		t.Errorf("the next: %+v %v", again, err)
	}
}

func TestARecoveryResolvesAnEscalatedIncident(t *testing.T) {
	w := newWorld(t)
	ref, a := w.escalated("api")
	sent := len(w.workflow.delivered)
	a.Recovered = true
	if got, err := w.send(a); err != nil || got.Status != incident.Resolved {
		t.Fatalf("%+v %v", got, err)
	}
	inc := w.load(ref)
	if r := inc.Resolution; r == nil || r.By != incident.SourceActor(a.Source) || inc.RecoveredAt == nil || inc.Decision.Action != incident.Escalate {
		t.Errorf("%+v, decided %+v", r, inc.Decision)
	}
	w.repaired(steps.ReconcileReport{Told: 1})
	if told := w.tracker.told; len(told) != 1 || told[0].Status != incident.Resolved || len(w.workflow.delivered) != sent {
		t.Errorf("told %+v", told)
	}
	a.Recovered = false
	if got, err := w.send(a); err != nil || got.IncidentID == ref.ID {
		t.Errorf("the next time: %+v %v", got, err)
	}
}

func TestAPersonResolvesAnEscalatedIncident(t *testing.T) {
	w := newWorld(t)
	ref, _ := w.escalated("api")
	w.clock.move(5*time.Second - time.Millisecond)
	_, err := w.vote(ref, incident.Resolve, "key:ben")
	wantCode(t, "who may not have seen the escalation", err, incident.CodeAlreadyDecided)
	w.clock.move(time.Millisecond)
	out := w.voted(ref, incident.Resolve, "key:ben")
	want := &incident.Decision{Action: incident.Resolve, By: "key:ben", At: w.clock.now(), Note: "seen"}
	if d := cmp.Diff(want, out.Decision); d != "" || out.Status != incident.Resolved {
		t.Errorf("%s %s", out.Status, d)
	}
	if edits := w.chat.edits; edits[len(edits)-1].Brief.Status != incident.Resolved {
		t.Error("the message says", edits[len(edits)-1].Brief.Status)
	}
	version := w.load(ref).Version
	if again := w.voted(ref, incident.Resolve, "key:anna"); cmp.Diff(want, again.Decision) != "" || w.load(ref).Version != version {
		t.Errorf("asked again: %+v", again)
	}
	if stands := w.voted(ref, incident.Escalate, "key:anna"); stands.Decision.By != "key:anna" || stands.Decision.Action != incident.Escalate {
		t.Errorf("the decision that stands: %+v", stands.Decision)
	}
}

// What was escalated stays barred from every fix, and is ended only by who may decide.
func TestAnEscalatedIncidentIsNotApprovedNorResolvedByAnybody(t *testing.T) {
	w := newWorld(t)
	ref, _ := w.escalated("named")
	w.clock.move(time.Minute)
	for _, c := range []struct {
		action incident.Action
		by     incident.Actor
		want   incident.Code
	}{
		{incident.Approve, "key:anna", incident.CodeAlreadyDecided},
		{incident.Resolve, "key:ben", incident.CodeForbidden},
		{incident.Resolve, "source:api", incident.CodeForbidden},
		{incident.Resolve, "link:chat", incident.CodeForbidden},
	} {
		_, err := w.approve().Handle(t.Context(), steps.ApproveFixInput{Ref: ref, Action: c.action, By: c.by})
		wantCode(t, string(c.action)+" by "+string(c.by), err, c.want)
	}
	other, _ := w.escalated("api")
	_, err := w.approve().Handle(t.Context(), steps.ApproveFixInput{Ref: other, Action: incident.Resolve, By: "link:chat"})
	wantCode(t, "a link, whose message asked for another decision", err, incident.CodeAlreadyDecided)
	w.voted(ref, incident.Resolve, "key:anna")
}

func TestATicketThatCannotBeToldNowIsToldLater(t *testing.T) {
	w := newWorld(t)
	_, a := w.escalated("api")
	if _, err := w.send(a); err != nil {
		t.Fatal(err)
	}
	w.tracker.onTell = errWire
	report, err := w.reconcile().Handle(t.Context())
	wantCode(t, "the tracker is out of reach", err, incident.CodeUnavailable)
	if report != (steps.ReconcileReport{Failed: 1}) {
		t.Errorf("%+v", report)
	}
	w.tracker.onTell = nil
	w.repaired(steps.ReconcileReport{Told: 1})
	w.repaired(steps.ReconcileReport{})
	_, again := w.escalated("api")
	if _, err := w.send(again); err != nil {
		t.Fatal(err)
	}
	w.tracker.onTell = incident.BadField("ticket", "was deleted")
	w.repaired(steps.ReconcileReport{Told: 1})
	w.repaired(steps.ReconcileReport{})
}

// What a repeat says is not lost: the first and the latest evidence are kept, redacted.
func TestTheLatestEvidenceOfARepeatIsKeptAndRedacted(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	a := w.alertOf(ref)
	a.ErrorLogs = "connection refused\npassword=hunter2hunter2\n" + strings.Repeat("GET /cart 500\n", 1000)
	w.clock.move(time.Minute)
	if got, err := w.send(a); err != nil || got.IncidentID != ref.ID {
		t.Fatalf("%+v %v", got, err)
	}
	query := steps.QueryIncidents{Store: w.store}
	latest, err := query.Latest(t.Context(), ref)
	if err != nil || !latest.At.Equal(w.clock.now()) || len(latest.Logs) > incident.MaxLatest || !strings.HasPrefix(latest.Logs, "connection refused\n") {
		t.Errorf("%v, %d bytes at %s: %.80q", err, len(latest.Logs), latest.At, latest.Logs)
	}
	if strings.Contains(latest.Logs, "hunter2") || !strings.Contains(latest.Logs, "[REDACTED:password]") {
		t.Errorf("it is not redacted: %.80q", latest.Logs)
	}
	if first, err := w.store.Evidence(t.Context(), ref); err != nil || first.Logs != heapLogs {
		t.Errorf("the first evidence: %q %v", first.Logs, err)
	}
}
