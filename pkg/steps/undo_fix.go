package steps

import (
	"context"
	"log/slog"

	"github.com/opsguard/opsguard/pkg/incident"
)

// UndoFix is undo-fix: it undoes a fix that did not help, once, as the plan that was
// approved says. It reads from the record itself that this is due.
type UndoFix struct {
	Store     Incidents
	Executors Executors
	Runner    string        // as ExecuteFix's
	NewCall   func() string // as ExecuteFix's
	Now       Clock
	Log       *slog.Logger
}

// Handle undoes at most once for an incident, however often it is called.
func (s UndoFix) Handle(ctx context.Context, ref incident.Ref) (FixProgress, error) {
	call := ""
	if s.NewCall != nil {
		call = s.NewCall()
	}
	inc, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.ClaimUndo(incident.Claimer{Runner: s.Runner, Call: call}, s.Now())
	})
	switch {
	case incident.CodeOf(err) == incident.CodeAlreadyClaimed, incident.KindOf(err) == incident.Unavailable:
		return s.again(ctx, ref)
	case incident.CodeOf(err) == incident.CodeStopped, incident.CodeOf(err) == incident.CodeTargetBusy:
		return s.refused(ctx, ref, err)
	case err != nil:
		return FixProgress{}, err
	}
	s.Log.InfoContext(ctx, "undoing the fix", "incidentId", ref.ID, "fixId", inc.Plan.FixID, "target", inc.Plan.Target.Key())
	acted := s.run(ctx, inc)
	if acted.Outcome == "" {
		return s.took(ctx, inc, acted, false)
	}
	// Even where nothing was undone the fix itself may be under way, beyond its limit: the
	// hold stays until it lapses.
	return s.record(ctx, inc, incident.Result{Outcome: acted.Outcome, Steps: acted.Steps})
}

func (s UndoFix) run(ctx context.Context, inc incident.Incident) Acted {
	left := inc.Attempt.Undoing.StartedAt.Add(incident.MaxFixTime).Sub(s.Now())
	exec, err := s.Executors.For(inc.Plan.Target)
	if err == nil && left > 0 {
		limited, cancel := context.WithTimeout(ctx, left)
		defer cancel()
		return exec.Undo(limited, order(inc))
	}
	why := "the time for undoing was over before it began"
	if err != nil {
		why = Told(err)
	}
	return Acted{Outcome: incident.Failed, Steps: []incident.FixStep{{Name: "undo", Status: "failed",
		Detail: why + "; nothing was changed", At: s.Now()}}}
}

// again only looks: whether the call that began it acted cannot be known.
func (s UndoFix) again(ctx context.Context, ref incident.Ref) (FixProgress, error) {
	inc, err := s.Store.Load(ctx, ref)
	if err != nil {
		return FixProgress{}, err
	}
	if inc.Attempt == nil || inc.Attempt.Undoing == nil {
		return FixProgress{}, notStarted(err)
	}
	if inc.Attempt.Undoing.FinishedAt != nil || inc.Settling() {
		return progress(inc, s.Now()), nil
	}
	sight := look(ctx, s.Executors, inc, s.Now())
	switch sight.Phase {
	case Settling:
		return s.took(ctx, inc, Acted{Steps: sight.Steps}, true)
	case Verified:
		return s.record(ctx, inc, incident.Result{Outcome: incident.Undone, Steps: sight.Steps, Looked: true})
	}
	return s.record(ctx, inc, incident.Result{Outcome: incident.Unknown, Steps: sight.Steps, Looked: true})
}

// refused records why what was to be undone is not.
func (s UndoFix) refused(ctx context.Context, ref incident.Ref, why error) (FixProgress, error) {
	inc, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.RefuseUndo("not undone: "+Told(why), s.Now()), nil
	})
	if err != nil {
		return FixProgress{}, err
	}
	s.Log.WarnContext(ctx, "the fix is not undone", "incidentId", ref.ID, "error", why.Error())
	return progress(inc, s.Now()), nil
}

func (s UndoFix) took(ctx context.Context, inc incident.Incident, acted Acted, looked bool) (FixProgress, error) {
	inc, err := update(context.WithoutCancel(ctx), s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.TookUndo(acted.Receipt, acted.Steps, looked, s.Now())
	})
	if err != nil {
		return FixProgress{}, err
	}
	return progress(inc, s.Now()), nil
}

func (s UndoFix) record(ctx context.Context, inc incident.Incident, result incident.Result) (FixProgress, error) {
	inc, err := update(context.WithoutCancel(ctx), s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.RecordUndo(result, s.Now())
	})
	if err != nil {
		return FixProgress{}, err
	}
	s.Log.InfoContext(ctx, "undoing finished", "incidentId", inc.ID, "outcome", result.Outcome)
	return progress(inc, s.Now()), nil
}
