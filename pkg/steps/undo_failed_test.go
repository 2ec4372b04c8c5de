package steps_test

import (
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// A fix that outlives its limit is undone while it may be under way. Where the target
// refuses that, the fix goes on, and no other may meet it.
func TestATargetStaysTakenWhereUndoingAFixThatIsLateFails(t *testing.T) {
	w := newWorld(t)
	ref := w.settling("real")
	w.executor.phases = []steps.Phase{steps.Settling}
	w.clock.move(incident.DefaultFixLimit + time.Second)
	if p := w.looked(ref); !p.Undo {
		t.Fatalf("after its limit: %+v", p)
	}
	w.executor.onUndo = func() steps.Acted { return steps.Acted{Outcome: incident.Failed} }
	if p, err := w.undo().Handle(t.Context(), ref); err != nil || !p.Settled || p.Undo {
		t.Fatalf("undo-fix: %+v %v", p, err)
	}
	if u := w.load(ref).Attempt.Undoing; u.Outcome != incident.Failed || u.FinishedAt == nil {
		t.Errorf("recorded %+v", u)
	}
	w.closed(ref)
	next := w.approved("twin")
	w.wantQueued(next, ref)
}
