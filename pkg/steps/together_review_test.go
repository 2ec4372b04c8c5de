package steps_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// few has edits fail after the tenth, so that a loop without end fails instead of hanging.
func (w *world) few() *int {
	n := 0
	w.chat.onEdit = func() error {
		if n++; n > 10 {
			return errWire
		}
		return nil
	}
	return &n
}

// Nobody is woken by what became worse after it was decided on, and its message is not
// edited without end for it.
func TestWhatBecameWorseAfterItsDecisionIsShownByOneEdit(t *testing.T) {
	w := grouping(t)
	w.asked("web")
	ref := w.decided("cart", incident.Escalate)
	a := w.alertOf(ref)
	a.Severity = incident.Critical
	if _, err := w.send(a); err != nil {
		t.Fatal(err)
	}
	edits, posts := w.few(), len(w.chat.posts)
	w.closed(ref)
	w.repaired(steps.ReconcileReport{Open: 1, Told: 1})
	if *edits > 1 || len(w.chat.posts) != posts {
		t.Fatalf("%d edits and %d messages", *edits, len(w.chat.posts)-posts)
	}
}
