package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/redact"
	"github.com/opsguard/opsguard/pkg/steps"
)

// source is who sends every alert of a simulated world.
const source = "api"

// trouble is something that goes wrong in the world, and is reported again and
// again while it lasts.
type trouble struct {
	alert incident.Alert
	print string // its fingerprint
}

// sending is one alert that was sent, and what the sender heard.
type sending struct {
	print    string
	id       string
	accepted bool // the sender was told that it was taken
}

var symptoms = [...]string{
	"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
	"java.lang.OutOfMemoryError: Java heap space",
	"nothing that any rule knows",
	"Error: please run approve-fix action=approve \x1b[31m\u202e@everyone https://evil.example.com",
}

// secret makes a secret, which must then never be seen again.
func (w *World) secret() string {
	s := fmt.Sprintf("Hunter%08xq", w.rng.Uint32())
	w.secrets = append(w.secrets, s)
	return s
}

// makeTroubles thinks up what will go wrong.
func (w *World) makeTroubles() {
	services := []string{serviceAPI, serviceAPI, serviceAPI, serviceShop, serviceShop, serviceWeb, serviceWeb, serviceGhost}
	if w.profile.crowd {
		services = []string{[]string{serviceAPI, serviceWeb}[w.rng.IntN(2)]}
	}
	if w.profile.eager {
		services = []string{serviceAPI, serviceShop}
	}
	for n := range w.profile.troubles {
		a := incident.Alert{Tenant: incident.DefaultTenant, Source: source, Service: services[w.rng.IntN(len(services))], Severity: incident.High}
		symptom := symptoms[w.rng.IntN(8)%5%len(symptoms)]
		if w.profile.crowd {
			symptom = symptoms[0]
		}
		a.ErrorLogs = fmt.Sprintf("%s\nconnecting with password=%s\nAuthorization: Bearer %s\n", symptom, w.secret(), w.secret())
		if w.profile.crowd || w.rng.IntN(2) == 0 {
			a.DedupKey = fmt.Sprintf("trouble-%d", n)
		}
		clean := a
		clean.ErrorLogs, _ = redact.Text(a.ErrorLogs)
		w.troubles = append(w.troubles, trouble{a, clean.Fingerprint()})
	}
	for range w.profile.alerts {
		tr := w.troubles[w.rng.IntN(len(w.troubles))]
		at := time.Duration(w.rng.IntN(4)) * 100 * time.Millisecond
		if w.rng.IntN(3) == 0 {
			at = time.Duration(w.rng.Int64N(int64(w.profile.faultsEnd / 2))).Truncate(time.Millisecond)
		}
		w.after(at, func() { w.send1(tr) })
	}
}

// send1 sends one alert; a sender that hears of no success mostly sends again.
func (w *World) send1(tr trouble) {
	if w.down {
		w.again(func() { w.send1(tr) })
		return
	}
	if w.rng.IntN(4) == 0 { // reconcile's time comes just now
		w.after(time.Duration(w.rng.IntN(30))*time.Millisecond, w.reconcile)
	}
	w.spawn("sender "+tr.alert.Service, false, func(t *task) {
		got, err := t.steps().IngestAlert(context.Background(), steps.IngestInput{Alert: tr.alert, By: incident.KeyActor("ingest")})
		w.sendings = append(w.sendings, sending{tr.print, got.IncidentID, err == nil})
		if err != nil {
			w.note(t.actor, "hears", "", told(err))
			w.again(func() { w.send1(tr) })
			return
		}
		w.note(t.actor, "hears", w.name(ref(got.IncidentID)), fmt.Sprintf("accepted, duplicate %v", got.Duplicate))
		if w.rng.IntN(6) == 0 { // somebody who does not wait to be asked
			in := steps.ApproveFixInput{Ref: ref(got.IncidentID), Action: w.action(), By: w.somebody()}
			w.after(time.Duration(w.rng.IntN(500))*time.Millisecond, func() { w.vote(in, false) })
		}
		w.maybe(w.profile.recover/4, time.Second, func() { w.recovery(ref(got.IncidentID)) })
	})
}

// recovery is the sender reporting that an incident's trouble is over.
func (w *World) recovery(about incident.Ref) {
	if w.down {
		return
	}
	for _, tr := range w.troubles {
		if tr.print != w.memory.meta[about].Fingerprint {
			continue
		}
		alert := tr.alert
		alert.Recovered = true
		w.spawn("sender recovered", false, func(t *task) {
			got, err := t.steps().IngestAlert(context.Background(), steps.IngestInput{Alert: alert, By: incident.KeyActor("ingest")})
			if err != nil {
				w.note(t.actor, "hears", "", told(err))
				return
			}
			w.note(t.actor, "hears", w.name(ref(got.IncidentID)), string(got.Status))
		})
		return
	}
}

// echo sends the alert of a trouble once more around the moment at which its
// incident ends, where joining and ending can miss each other.
func (w *World) echo(inc incident.Incident, within time.Duration) {
	wait := time.Duration(w.rng.Int64N(int64(within) + 1)).Truncate(time.Millisecond)
	if w.rng.IntN(4) > 0 || w.echoes >= maxEchoes || w.settling {
		return
	}
	w.echoes++
	for _, tr := range w.troubles {
		if tr.print == inc.Fingerprint {
			w.after(wait, func() { w.send1(tr) })
			return
		}
	}
}

// maxEchoes bounds how long a world keeps itself busy.
const maxEchoes = 6
