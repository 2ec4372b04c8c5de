package steps_test

import (
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

func TestAnAlertThatJoinsJustAsItsIncidentClosesOpensANewOne(t *testing.T) {
	w := newWorld(t)
	first := w.decided("api", incident.Resolve)
	a := w.alertOf(first)
	var once sync.Once
	w.store.onJoin = func(real func() (incident.Incident, error)) (incident.Incident, error) {
		once.Do(func() { w.closed(first) })
		return real()
	}
	got, err := w.send(a)
	if err != nil || got.Duplicate || got.IncidentID == first.ID || got.Status != incident.Detected {
		t.Fatalf("%+v %v", got, err)
	}
	if n := w.load(first).Occurrences; n != 1 {
		t.Errorf("the closed one counts %d", n)
	}
}

func TestAnAlertThatLosesTheRaceToOpenJoinsTheWinner(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	var winner incident.Ref
	w.store.onCommit = before(incident.EventDetected, func() { winner = w.sent(a) })
	got, err := w.send(a)
	if err != nil || !got.Duplicate || got.IncidentID != winner.ID || len(w.all()) != 1 {
		t.Fatalf("%+v %v; the winner is %s of %d", got, err, winner.ID, len(w.all()))
	}
	if n := w.load(winner).Occurrences; n != 2 {
		t.Errorf("%d occurrences", n)
	}
}

// Whatever alerts and closings do to each other, each accepted alert is counted
// in the incident that its sender was told of.
func TestEveryAcceptedAlertIsCountedWhileIncidentsClose(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	var mu sync.Mutex
	told := map[string]int64{w.sent(a).ID: 1}
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for range 10 {
				got, err := w.send(a)
				if err != nil {
					t.Errorf("ingest: %v", err)
					return
				}
				mu.Lock()
				told[got.IncidentID]++
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { senders.Wait(); close(done) }()
	for closing := true; closing; {
		select {
		case <-done:
			closing = false
		default:
			if ref, err := w.store.Holder(t.Context(), a.Tenant, a.Fingerprint()); err == nil {
				w.closed(ref)
			}
		}
	}
	for _, inc := range w.all() {
		if inc.Occurrences != told[inc.ID] {
			t.Errorf("%s counts %d alerts, %d senders were told of it", inc.ID, inc.Occurrences, told[inc.ID])
		}
		delete(told, inc.ID)
	}
	if len(told) > 0 {
		t.Errorf("senders were told of incidents that are not there: %v", told)
	}
}

func TestAFingerprintThatNeverSettlesIsUnavailable(t *testing.T) {
	w := newWorld(t)
	tries := 0
	w.store.onJoin = func(func() (incident.Incident, error)) (incident.Incident, error) {
		return incident.Incident{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "nobody")
	}
	w.store.onCommit = func(incident.Change, func() error) error {
		tries++
		return incident.Fail(incident.Conflict, incident.CodeDuplicate, "somebody")
	}
	_, err := w.send(alert("api", "k"))
	wantCode(t, "ingest", err, incident.CodeUnavailable)
	if tries < 2 || tries > 100 {
		t.Errorf("it tried %d times", tries)
	}
}

func TestAnAlertIsNotAcceptedWhileTheStoreFails(t *testing.T) {
	for name, cut := range map[string]func(*world){
		"join": func(w *world) {
			w.store.onJoin = func(func() (incident.Incident, error)) (incident.Incident, error) {
				return incident.Incident{}, errWire
			}
		},
		"open":          func(w *world) { w.store.onCommit = neverWritten(incident.EventDetected) },
		"open, unheard": func(w *world) { w.store.onCommit = lostReply(incident.EventDetected) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			cut(w)
			_, err := w.send(alert("api", "k"))
			wantCode(t, "ingest", err, incident.CodeUnavailable)
			// Sent again, it is one incident, whatever the lost reply had written.
			w.store.onJoin, w.store.onCommit = nil, nil
			ref := w.sent(alert("api", "k"))
			if all := w.all(); len(all) != 1 || all[0].Ref != ref || len(w.workflow.starts) != 1 {
				t.Errorf("%d incidents, %d starts", len(all), len(w.workflow.starts))
			}
		})
	}
	t.Run("raise the joined one", func(t *testing.T) {
		w := newWorld(t)
		a := alert("api", "k")
		w.sent(a)
		w.store.onCommit = neverWritten(incident.EventRaised)
		a.Severity = incident.Critical
		_, err := w.send(a)
		wantCode(t, "ingest", err, incident.CodeUnavailable)
	})
}

func TestOnlyTheSourceThatOpenedAnIncidentReportsItsRecovery(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	ref := w.sent(a)
	w.clock.move(minute)
	for name, change := range map[string]func(*incident.Alert){
		"another source":  func(a *incident.Alert) { a.Source = "grafana" },
		"another key":     func(a *incident.Alert) { a.DedupKey = "k2" },
		"another service": func(a *incident.Alert) { a.Service = "real" },
		"another tenant":  func(a *incident.Alert) { a.Tenant = "other" },
	} {
		stranger := a
		change(&stranger)
		got, err := w.recovered(stranger)
		if err != nil || got.IncidentID != "" || got.Duplicate {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if inc := w.load(ref); inc.RecoveredAt != nil || inc.Decision != nil || len(w.all()) != 1 {
		t.Fatalf("a stranger's word counted: %+v", inc)
	}
	got, err := w.recovered(a)
	if err != nil || got.IncidentID != ref.ID || !got.Duplicate {
		t.Fatalf("%+v %v", got, err)
	}
	inc := w.load(ref)
	if d := inc.Decision; d == nil || d.Action != incident.Resolve || d.By != incident.SourceActor("api") || inc.RecoveredAt == nil || !inc.RecoveredAt.Equal(epoch.Add(minute)) {
		t.Errorf("%+v, recovered at %v", d, inc.RecoveredAt)
	}
	if inc.Occurrences != 1 {
		t.Errorf("the recovery was counted as an occurrence: %d", inc.Occurrences)
	}
}

func TestRecoveryLeavesADecisionAloneAndIsRecordedOnce(t *testing.T) {
	w := newWorld(t)
	a := alert("api", "k")
	ref := w.sent(a)
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.vote(ref, incident.Escalate, incident.KeyActor("anna")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.clock.move(time.Second)
		if _, err := w.recovered(a); err != nil {
			t.Fatal(err)
		}
	}
	inc := w.load(ref)
	if inc.Decision.Action != incident.Escalate || !inc.RecoveredAt.Equal(epoch.Add(time.Second)) || w.count(ref, incident.EventRecovered) != 1 {
		t.Errorf("%+v, recovered at %v, %v", inc.Decision, inc.RecoveredAt, w.events(ref))
	}
}

func TestARecoveryIsNotAcceptedWhileTheStoreFails(t *testing.T) {
	w := newWorld(t)
	w.sent(alert("api", "k"))
	w.store.onHolder = func() error { return errWire }
	_, err := w.recovered(alert("api", "k"))
	wantCode(t, "look", err, incident.CodeUnavailable)
	w.store.onHolder, w.store.onCommit = nil, neverWritten(incident.EventDecided)
	_, err = w.recovered(alert("api", "k"))
	wantCode(t, "write", err, incident.CodeUnavailable)
}
