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
	// Runner names this process, where the store is open to one process at a time:
	// then an attempt of another name was begun by a process that is gone. "" where
	// several may run at once, as on Lambda.
	Runner string
	// NewCall names a call as no other is named; nil where Runner is set. See
	// incident.Claimer.
	NewCall func() string
	Now     Clock
	Log     *slog.Logger
}

// ExecuteFixOutput is how the attempt ended.
type ExecuteFixOutput struct {
	Outcome  incident.Outcome `json:"outcome"`
	Verified bool             `json:"verified"`
}

// Handle acts at most once for an incident, however often it is called. Where the
// target is busy (CodeTargetBusy) or the store failed before the claim
// (CodeNotStarted) nothing was claimed, and the state machine calls again soon. A
// plan that may not be acted on is recorded as refused, and the refusal returned.
func (s ExecuteFix) Handle(ctx context.Context, ref incident.Ref) (ExecuteFixOutput, error) {
	inc, err := s.claim(ctx, ref)
	switch code := incident.CodeOf(err); {
	case code == incident.CodeAlreadyClaimed:
		return s.again(ctx, ref)
	case code == incident.CodeTargetBusy:
		s.queue(ctx, inc, incident.HolderOf(err))
		return ExecuteFixOutput{}, err
	case err != nil:
		return ExecuteFixOutput{}, s.refuse(ctx, ref, err)
	}
	s.Log.InfoContext(ctx, "fix started", "incidentId", ref.ID, "fixId", inc.Plan.FixID, "target", inc.Plan.Target.Key(),
		"approvedBy", inc.Decision.By)
	return s.record(ctx, inc, s.run(ctx, inc))
}

// claim takes the attempt. Where the store failed it looks whether the claim was
// written: CodeNotStarted says that it was not, CodeAlreadyClaimed that it was, and
// then this call must not act, because it cannot tell its own claim from another's.
func (s ExecuteFix) claim(ctx context.Context, ref incident.Ref) (incident.Incident, error) {
	tried, call := false, ""
	if s.NewCall != nil {
		call = s.NewCall()
	}
	inc, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
		var today *incident.Plan
		if plan, err := resolve(s.Inventory, inc); err == nil {
			today = &plan
		}
		c, err := inc.Claim(incident.Claimer{Runner: s.Runner, Call: call}, today, s.Now())
		tried = tried || err == nil
		return c, err
	})
	switch {
	case incident.KindOf(err) != incident.Unavailable:
		return inc, err
	case !tried:
		return inc, notStarted(err)
	}
	written, look := s.Store.Load(ctx, ref)
	switch {
	case look != nil:
		return inc, err
	case written.Attempt != nil:
		return inc, incident.Fail(incident.Conflict, incident.CodeAlreadyClaimed, "the store failed, and the fix is claimed")
	}
	return inc, notStarted(err)
}

func notStarted(err error) error {
	return &incident.Error{Kind: incident.Unavailable, Code: incident.CodeNotStarted, Message: "the fix was not started", Err: err}
}

// queue records whose fix has to end first. The record is for people: where it
// fails the fix waits all the same.
func (s ExecuteFix) queue(ctx context.Context, inc incident.Incident, holder string) {
	if holder == "" {
		return
	}
	news := false
	_, err := update(ctx, s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		c := inc.Queue(holder, s.Now())
		news = !c.Empty()
		return c, nil
	})
	switch {
	case err != nil:
		logFailure(ctx, s.Log, inc.Ref, "it could not be recorded for which fix this one waits", err)
	case news:
		s.Log.InfoContext(ctx, "fix waits until its target is free", "incidentId", inc.ID, "target", inc.Plan.Target.Key(), "heldBy", holder)
	}
}

// refuse records why the plan is not acted on, if the claim failed for good, and
// returns what the claim answered.
func (s ExecuteFix) refuse(ctx context.Context, ref incident.Ref, claim error) error {
	reason, final := incident.RefusalFor(claim)
	if !final {
		return claim
	}
	_, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
		why := reason
		if reason == incident.ReasonApprovalStale && s.stillBusy(ctx, inc) {
			why = incident.ReasonTargetBusy
		}
		return inc.Refuse(why, s.Now())
	})
	switch {
	case incident.KindOf(err) == incident.Unavailable:
		return notStarted(err)
	case err != nil:
		return err
	}
	return claim
}

// stillBusy tells an approval that grew old waiting for its turn from one that
// grew old otherwise, while OpsGuard was down for instance: the fix that it last
// waited for holds the target even now.
func (s ExecuteFix) stillBusy(ctx context.Context, inc incident.Incident) bool {
	if inc.Queued == nil {
		return false
	}
	holder, err := s.Store.Load(ctx, incident.Ref{Tenant: inc.Tenant, ID: inc.Queued.Holder})
	return err == nil && holder.Holds(s.Now())
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
	simulates := inc.Plan.Simulated()
	if verified {
		result.Outcome, result.Verified = incident.Fixed, true
		if simulates {
			result.Outcome = incident.Simulated
		}
	}
	// The call that acted is gone with its process. What it began may go on at a real
	// target, until that is seen to be as planned; a simulated fix begins nothing.
	gone := s.Runner != "" && inc.Attempt.Runner != s.Runner
	result.Over = gone && (verified || simulates)
	return s.record(ctx, inc, result)
}

// record stores the result even if the step's own time is up: what was done must
// not be forgotten for lack of a second.
func (s ExecuteFix) record(ctx context.Context, inc incident.Incident, result incident.Result) (ExecuteFixOutput, error) {
	if !result.Looked && inc.Plan.Simulated() {
		result.Over = true // nothing was begun that could go on
	}
	inc, err := update(context.WithoutCancel(ctx), s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.Record(result, s.Now())
	})
	if err != nil {
		return ExecuteFixOutput{}, err
	}
	s.Log.InfoContext(ctx, "fix finished", "incidentId", inc.ID, "outcome", inc.Attempt.Outcome, "verified", inc.Attempt.Verified)
	return ExecuteFixOutput{inc.Attempt.Outcome, inc.Attempt.Verified}, nil
}
