package steps

import (
	"context"
	"log/slog"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// ExecuteFix is execute-fix: it claims the one attempt that an approved plan
// gets, looks whether the target is still as planned, acts, records. It reads the
// approval from the record itself; nothing that its caller says counts as one.
type ExecuteFix struct {
	Store     Incidents
	Executors Executors
	Inventory *inventory.Inventory
	Fixes     FixHistories // nil: the breaker is not asked
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

// Handle acts at most once for an incident, however often it is called. Where the
// target is busy (CodeTargetBusy) or the store failed before the claim
// (CodeNotStarted) nothing was claimed, and the state machine calls again soon. A
// plan that may not be acted on is recorded as refused, and the refusal returned.
func (s ExecuteFix) Handle(ctx context.Context, ref incident.Ref) (FixProgress, error) {
	inc, err := s.claim(ctx, ref)
	switch code := incident.CodeOf(err); {
	case code == incident.CodeAlreadyClaimed:
		return s.again(ctx, ref)
	case code == incident.CodeTargetBusy:
		s.queue(ctx, inc, incident.HolderOf(err), incident.GroupOf(err))
		return FixProgress{}, err
	case err != nil:
		return FixProgress{}, s.refuse(ctx, ref, err)
	}
	s.Log.InfoContext(ctx, "fix started", "incidentId", ref.ID, "fixId", inc.Plan.FixID, "target", inc.Plan.Target.Key(),
		"approvedBy", inc.Decision.By)
	acted := s.run(ctx, inc)
	if acted.Outcome == "" {
		return s.took(ctx, inc, acted.Receipt, acted.Steps, false)
	}
	return s.record(ctx, inc, incident.Result{Outcome: acted.Outcome, Verified: acted.Outcome == incident.Simulated, Steps: acted.Steps})
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
		c, err := inc.Claim(incident.Claimer{Runner: s.Runner, Call: call}, s.today(inc), s.Now())
		if err == nil {
			err = s.braked(ctx, inc)
		}
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

// braked refuses what a freeze window or the breaker stops, with CodeStopped. The kill
// switch is the store's to ask, in the transaction of the claim.
func (s ExecuteFix) braked(ctx context.Context, inc incident.Incident) error {
	if name, until, frozen := s.Inventory.Frozen(inc.Service, inc.Plan.FixID, s.Now()); frozen {
		return incident.Stopped("fixes are frozen by the window %q until %s", name, incident.FormatTime(until))
	}
	if s.Fixes == nil {
		return nil
	}
	history, err := s.Fixes.Fixes(ctx, inc.Tenant, inc.Service)
	if err != nil {
		return err
	}
	if why := tripped(s.Inventory, history, inc, inc.Plan.FixID, s.Now); why != "" {
		return incident.Stopped("the breaker is open: %s", why)
	}
	return nil
}

// today is what services.yaml and the catalogue make of the plan now; nil if nothing.
func (s ExecuteFix) today(inc incident.Incident) *incident.Plan {
	if inc.Plan == nil {
		return nil
	}
	plan, err := resolve(s.Inventory, inc, inc.Plan.Proposal())
	if err != nil {
		return nil
	}
	return &plan
}

func notStarted(err error) error {
	return &incident.Error{Kind: incident.Unavailable, Code: incident.CodeNotStarted, Message: "the fix was not started", Err: err}
}

// queue records whose fix has to end first. The record is for people: where it
// fails the fix waits all the same.
func (s ExecuteFix) queue(ctx context.Context, inc incident.Incident, holder, group string) {
	if holder == "" {
		return
	}
	news := false
	_, err := update(ctx, s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		c := inc.Queue(holder, group, s.Now())
		news = !c.Empty()
		return c, nil
	})
	switch {
	case err != nil:
		logFailure(ctx, s.Log, inc.Ref, "it could not be recorded for which fix this one waits", err)
	case news:
		s.Log.InfoContext(ctx, "fix waits until its target is free, or has a place in its group", "incidentId", inc.ID,
			"target", inc.Plan.Target.Key(), "heldBy", holder, "group", group)
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
		return inc.RefuseBecause(why, stoppedBy(claim), s.Now())
	})
	switch {
	case incident.KindOf(err) == incident.Unavailable:
		return notStarted(err)
	case err != nil:
		return err
	}
	return claim
}

// stoppedBy is who or what stopped the fix, for people; "" if nothing did.
func stoppedBy(claim error) string {
	if incident.CodeOf(claim) != incident.CodeStopped {
		return ""
	}
	return Told(claim)
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

// run looks and acts, within the time that counts from the claim: a process that was
// stalled since must not act on a hold that may have lapsed.
func (s ExecuteFix) run(ctx context.Context, inc incident.Incident) Acted {
	left := inc.Attempt.StartedAt.Add(incident.MaxFixTime).Sub(s.Now())
	if left <= 0 {
		return s.nothing(incident.Failed, "begin", "the time for the fix was over before it began; nothing was changed")
	}
	limited, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	exec, err := s.Executors.For(inc.Plan.Target)
	if err != nil {
		return s.nothing(incident.Failed, "choose executor", Told(err)+"; nothing was changed")
	}
	if inc.Plan.ExecutorDigest != "" || !inc.Plan.Simulated() { // a plan without it was made before there were any others
		today, err := draftBy(limited, exec, s.Executors, inc.Ref, inc.Plan.Bare())
		switch {
		case incident.KindOf(err) == incident.Unavailable:
			return s.nothing(incident.Failed, "look again", "the target could not be looked at: "+Told(err)+"; nothing was changed")
		case err != nil:
			return s.nothing(incident.Stale, "look again", "the fix can no longer be done: "+Told(err)+"; nothing was changed")
		case today.Hash != inc.Plan.Hash:
			return s.nothing(incident.Stale, "look again", "the target is no longer as planned: "+differences(*inc.Plan, today)+"; nothing was changed")
		}
	}
	if s.Now().After(inc.Attempt.StartedAt.Add(incident.MaxFixTime)) || limited.Err() != nil {
		return s.nothing(incident.Failed, "begin", "looking at the target took all the time for the fix; nothing was changed")
	}
	return exec.Act(limited, order(inc))
}

// nothing says why nothing was done.
func (s ExecuteFix) nothing(outcome incident.Outcome, step, why string) Acted {
	return Acted{Outcome: outcome, Steps: []incident.FixStep{{Name: step, Status: "failed", Detail: why, At: s.Now()}}}
}

// again is what is left to do where an attempt was started before: look. Whether
// the first one acted cannot be known, so unless the target is as it should be, or is
// seen on the way there, the outcome is unknown.
func (s ExecuteFix) again(ctx context.Context, ref incident.Ref) (FixProgress, error) {
	inc, err := s.Store.Load(ctx, ref)
	if err != nil {
		return FixProgress{}, err
	}
	if inc.Attempt.FinishedAt != nil || inc.Settling() || inc.Attempt.Undoing != nil {
		return progress(inc, s.Now()), nil
	}
	sight := look(ctx, s.Executors, inc, s.Now())
	_, healthCounts := healthOf(s.Inventory, inc) // which verify-fix asks
	if sight.Phase == Settling || sight.Phase == Verified && healthCounts {
		return s.took(ctx, inc, nil, sight.Steps, true)
	}
	result := incident.Result{Outcome: incident.Unknown, Steps: sight.Steps, Looked: true}
	simulates, verified := inc.Plan.Simulated(), sight.Phase == Verified
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

// took records that the target has taken the fix, even if the step's own time is up.
func (s ExecuteFix) took(ctx context.Context, inc incident.Incident, receipt incident.State, did []incident.FixStep, looked bool) (FixProgress, error) {
	inc, err := update(context.WithoutCancel(ctx), s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.Took(receipt, did, looked, s.Now())
	})
	if err != nil {
		return FixProgress{}, err
	}
	s.Log.InfoContext(ctx, "fix applied; it settles now", "incidentId", inc.ID, "until", inc.SettleUntil())
	return progress(inc, s.Now()), nil
}

// record stores the result even if the step's own time is up: what was done must
// not be forgotten for lack of a second.
func (s ExecuteFix) record(ctx context.Context, inc incident.Incident, result incident.Result) (FixProgress, error) {
	if !result.Looked && inc.Plan.Simulated() {
		result.Over = true // nothing was begun that could go on
	}
	inc, err := update(context.WithoutCancel(ctx), s.Store, inc.Ref, func(inc incident.Incident) (incident.Change, error) {
		return inc.Record(result, s.Now())
	})
	if err != nil {
		return FixProgress{}, err
	}
	s.Log.InfoContext(ctx, "fix finished", "incidentId", inc.ID, "outcome", inc.Attempt.Outcome, "verified", inc.Attempt.Verified)
	return progress(inc, s.Now()), nil
}
