package sim

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// span is from when until when the kill switch was set, by the store's own time.
type span struct{ from, to time.Time }

// whyStopped is what the operator says.
const whyStopped = "deploys go wrong"

// stopFixes has an operator set the kill switch, and lift it some minutes later.
func (w *World) stopFixes() {
	w.switchTo(incident.StopFixes)
	w.stopped = append(w.stopped, span{from: w.now()})
	w.after(time.Duration(1+w.rng.IntN(20*60))*time.Second, func() {
		w.stopped[len(w.stopped)-1].to = w.now()
		w.switchTo(incident.StopNone)
	})
}

func (w *World) switchTo(to incident.Stop) {
	w.note("operator", "sets the kill switch", "", string(to))
	err := w.memory.UpdateBrake(context.Background(), incident.DefaultTenant, func(b *incident.Brake) {
		b.Set(incident.DefaultTenant, to, incident.KeyActor("ops"), whyStopped, w.now())
	})
	if err != nil {
		w.blame("world", "the kill switch cannot be set: %v", err)
	}
}

// checkKillSwitch: no fix was claimed while the switch was set, whoever read what before.
func (w *World) checkKillSwitch() {
	for _, written := range w.writes {
		if written.change.Event.Action != incident.EventFixStarted {
			continue
		}
		for _, s := range w.stopped {
			if written.at.After(s.from) && (s.to.IsZero() || written.at.Before(s.to)) {
				w.blame(invApproval, "%s: its fix was claimed at %s, while fixes were stopped", w.name(written.change.Incident.Ref), written.at)
			}
		}
	}
}
