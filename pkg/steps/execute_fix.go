package steps

import (
	"context"
	"log/slog"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// Executor applies a plan to its target.
type Executor interface {
	// Run checks, acts and verifies, and always says how it ended: Unknown when it
	// cannot tell whether it acted. It ends soon after ctx does.
	Run(ctx context.Context, ref incident.Ref, plan incident.Plan) incident.Result
	// Verify only reads: whether the target is now as the plan wants it.
	Verify(ctx context.Context, ref incident.Ref, plan incident.Plan) (verified bool, steps []incident.FixStep)
}

// ExecuteFix is execute-fix: it claims the one attempt that an approved plan
// gets, acts, verifies, records. It reads the approval from the record itself;
// nothing that its caller says counts as one.
type ExecuteFix struct {
	Store     Incidents
	Executor  Executor
	Inventory *inventory.Inventory
	Now       Clock
	Log       *slog.Logger
}

// ExecuteFixOutput is how the attempt ended.
type ExecuteFixOutput struct {
	Outcome  incident.Outcome `json:"outcome"`
	Verified bool             `json:"verified"`
}

// Handle acts at most once for an incident, however often it is called. A plan
// that may not be acted on is recorded as refused, and the refusal returned.
func (s ExecuteFix) Handle(ctx context.Context, ref incident.Ref) (ExecuteFixOutput, error) {
	inc, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
		var today *incident.Plan
		if plan, err := resolve(s.Inventory, inc); err == nil {
			today = &plan
		}
		return inc.Claim(today, s.Now())
	})
	if incident.CodeOf(err) == incident.CodeAlreadyClaimed {
		return s.again(ctx, ref)
	}
	if err != nil {
		if reason, final := incident.RefusalFor(err); final {
			if _, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
				return inc.Refuse(reason, s.Now())
			}); err != nil {
				return ExecuteFixOutput{}, err
			}
		}
		return ExecuteFixOutput{}, err
	}
	s.Log.InfoContext(ctx, "fix started", "incidentId", ref.ID, "fixId", inc.Plan.FixID, "target", inc.Plan.Target.Key(), "approvedBy", inc.Decision.By)
	return s.record(ctx, ref, s.run(ctx, inc))
}

// run acts, within the time that counts from the claim: a process that was
// stalled since must not act on a hold that may have lapsed.
func (s ExecuteFix) run(ctx context.Context, inc incident.Incident) incident.Result {
	left := inc.Attempt.StartedAt.Add(incident.MaxFixTime).Sub(s.Now())
	if left <= 0 {
		return incident.Result{Outcome: incident.Failed, Steps: []incident.FixStep{{
			Name: "begin", Status: "failed", Detail: "the time for the fix was over before it began; nothing was changed", At: s.Now()}}}
	}
	limited, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	return s.Executor.Run(limited, inc.Ref, *inc.Plan)
}

// again is what is left to do where an attempt was started before: look. Whether
// the first one acted cannot be known, so unless the target is as it should be
// the outcome is unknown.
func (s ExecuteFix) again(ctx context.Context, ref incident.Ref) (ExecuteFixOutput, error) {
	inc, err := s.Store.Load(ctx, ref)
	if err != nil {
		return ExecuteFixOutput{}, err
	}
	if a := inc.Attempt; a.FinishedAt != nil {
		return ExecuteFixOutput{a.Outcome, a.Verified}, nil
	}
	verified, seen := s.Executor.Verify(ctx, ref, *inc.Plan)
	result := incident.Result{Outcome: incident.Unknown, Steps: seen, Looked: true}
	if verified {
		result.Outcome, result.Verified = incident.Fixed, true
		if inc.Plan.Simulated() {
			result.Outcome = incident.Simulated
		}
	}
	return s.record(ctx, ref, result)
}

// record stores the result even if the step's own time is up: what was done must
// not be forgotten for lack of a second.
func (s ExecuteFix) record(ctx context.Context, ref incident.Ref, result incident.Result) (ExecuteFixOutput, error) {
	inc, err := update(context.WithoutCancel(ctx), s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.Record(result, s.Now())
	})
	if err != nil {
		return ExecuteFixOutput{}, err
	}
	s.Log.InfoContext(ctx, "fix finished", "incidentId", ref.ID, "outcome", inc.Attempt.Outcome, "verified", inc.Attempt.Verified)
	return ExecuteFixOutput{inc.Attempt.Outcome, inc.Attempt.Verified}, nil
}
