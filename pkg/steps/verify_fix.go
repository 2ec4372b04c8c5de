package steps

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// VerifyFix is verify-fix: it looks how far a fix, or its undoing, has come, by the
// target's platform and by the service's own health. It never acts. While the fix
// settles it keeps the target for it.
type VerifyFix struct {
	Store     Incidents
	Executors Executors
	Inventory *inventory.Inventory
	Prober    Prober // nil: the service's health is not looked at
	Runner    string // as ExecuteFix's
	Now       Clock
	Log       *slog.Logger
}

const (
	// maxLook bounds one look at a target, its service's health included.
	maxLook = 30 * time.Second
	// maxBlind is how much longer than the plan's limit it is tried to look at a target
	// that cannot be looked at: after an outage of OpsGuard's own, say.
	maxBlind = 5 * time.Minute
)

// Handle looks once, and ends what has not come to its end by the plan's limit. What it
// has concluded before it answers again.
func (s VerifyFix) Handle(ctx context.Context, ref incident.Ref) (FixProgress, error) {
	inc, err := s.Store.Load(ctx, ref)
	if err != nil {
		return FixProgress{}, err
	}
	if inc.Attempt == nil {
		return FixProgress{}, incident.Fail(incident.Conflict, incident.CodeTransition, "no fix was started")
	}
	if !inc.Settling() {
		return progress(inc, s.Now()), nil
	}
	limited, cancel := context.WithTimeout(ctx, maxLook)
	defer cancel()
	sight := look(limited, s.Executors, inc, s.Now())
	if sight.Phase == Verified {
		sight = s.wellAgain(limited, inc, sight)
	}
	until := inc.SettleUntil()
	if sight.blind {
		until = until.Add(maxBlind)
	}
	if sight.Phase == Settling && s.Now().Before(until) {
		return s.goesOn(ctx, inc)
	}
	return s.conclude(ctx, inc, sight)
}

// wellAgain adds to what the platform says whether the service is well. Its undoing is
// verified by the platform alone: the service was not well before the fix either.
func (s VerifyFix) wellAgain(ctx context.Context, inc incident.Incident, sight Sight) Sight {
	svc, counts := healthOf(s.Inventory, inc)
	if s.Prober == nil || !counts || inc.Attempt.Undoing != nil {
		return sight
	}
	for _, f := range s.Prober.Probe(ctx, svc) {
		status := "ok"
		if !f.Healthy {
			status, sight.Phase = "failed", Settling // until the limit: a service takes a while to warm up
		}
		sight.Steps = append(sight.Steps, incident.FixStep{Name: "health: " + f.Check, Status: status, Detail: f.Detail, At: s.Now()})
	}
	return sight
}

func (s VerifyFix) goesOn(ctx context.Context, inc incident.Incident) (FixProgress, error) {
	if inc.Renew(s.Now()).Empty() { // as at most looks: the record need not be read once more
		return progress(inc, s.Now()), nil
	}
	inc, err := update(ctx, s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.Renew(s.Now()), nil
	})
	if err != nil && incident.CodeOf(err) != incident.CodeTargetBusy { // the hold had lapsed, and another has the target
		return FixProgress{}, err
	}
	return progress(inc, s.Now()), nil
}

// conclude records how it ended. At the limit the platform may still be at it: then the
// target stays held.
func (s VerifyFix) conclude(ctx context.Context, inc incident.Incident, sight Sight) (FixProgress, error) {
	if sight.Phase == Settling {
		sight.Steps = append(sight.Steps, incident.FixStep{Name: "wait", Status: "failed",
			Detail: fmt.Sprintf("not verified within %s", inc.Plan.Limit()), At: s.Now()})
	}
	result := incident.Result{Outcome: incident.Applied, Steps: sight.Steps, Looked: true}
	undoing := inc.Attempt.Undoing != nil
	heard, _ := s.calls(inc)
	switch {
	case sight.Phase == Verified:
		result.Outcome, result.Verified = incident.Fixed, true
		if undoing {
			result.Outcome = incident.Undone
		}
	case !heard, sight.blind:
		// Nobody has seen that this fix was applied, or how it went on: it must not be undone.
		result.Outcome = incident.Unknown
	case sight.Phase == NotVerified:
		// Nothing is under way any more; the hold is kept only where it is undone next.
		result.Over = undoing || !inc.Plan.Undo.Possible()
	}
	inc, err := update(context.WithoutCancel(ctx), s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		if sight.Phase == Verified {
			heard, gone := s.calls(inc)
			result.Over = heard || gone // by now; else the call that acted may still be at it
		}
		if undoing {
			return inc.RecordUndo(result, s.Now())
		}
		return inc.Record(result, s.Now())
	})
	if err != nil {
		return FixProgress{}, err
	}
	s.Log.InfoContext(ctx, "fix looked at", "incidentId", inc.ID, "outcome", result.Outcome, "verified", result.Verified, "undoing", undoing)
	return progress(inc, s.Now()), nil
}

// calls reports whether the call that acted has said so, and whether its process is gone.
func (s VerifyFix) calls(inc incident.Incident) (heard, gone bool) {
	a := inc.Attempt
	heard, runner := a.Heard, a.Runner
	if u := a.Undoing; u != nil {
		heard, runner = u.Heard, u.Runner
	}
	return heard, s.Runner != "" && runner != s.Runner
}

// look asks the executor how far the fix, or its undoing, has come. A target that cannot
// be looked at is taken to be settling: it is looked at again.
func look(ctx context.Context, executors Executors, inc incident.Incident, now time.Time) Sight {
	exec, err := executors.For(inc.Plan.Target)
	var sight Sight
	if err == nil {
		sight, err = exec.Verify(ctx, order(inc))
	}
	if err != nil {
		phase := Settling
		if !inc.Settling() {
			phase = NotVerified // nobody knows that anything was begun
		}
		return Sight{Phase: phase, blind: true, Steps: []incident.FixStep{{Name: "look", Status: "failed",
			Detail: "the target could not be looked at: " + Told(err), At: now}}}
	}
	return sight
}
