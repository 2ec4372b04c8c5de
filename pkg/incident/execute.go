package incident

import (
	"strconv"
	"time"
)

const (
	// MaxApprovalAge is how long an approval may be acted on.
	MaxApprovalAge = 15 * time.Minute
	// MaxFixTime is how long a fix, verification included, may take.
	MaxFixTime = 10 * time.Minute
	// holdTime is how long a target stays taken when nothing is heard of its fix
	// again: longer than a fix can run, so that a hold never lapses under one.
	holdTime = MaxFixTime + 5*time.Minute
	// maxSteps bounds what an executor can make the record grow by.
	maxSteps      = 50
	maxStepDetail = 500 // bytes
)

// Claim takes the one attempt that a plan gets and the target with it. today is
// the plan built anew, now, from the proposal, the catalogue and services.yaml;
// nil if it no longer resolves. Whoever was refused with CodeAlreadyClaimed must
// never act, only look.
func (i Incident) Claim(today *Plan, now time.Time) (Change, error) {
	if err := i.mayClaim(today, i.notBefore(now)); err != nil {
		return Change{}, err
	}
	c := i.change(now, System, EventFixStarted, map[string]string{
		"fixId": i.Plan.FixID, "planHash": i.Plan.Hash, "target": i.Plan.Target.Key(), "approvedBy": string(i.Decision.By)})
	if err := c.become(ExecutingFix); err != nil {
		return Change{}, err
	}
	at := c.Incident.UpdatedAt
	c.Incident.Attempt = &Attempt{StartedAt: at, Until: at.Add(holdTime)}
	c.Take = &Hold{Target: i.Plan.Target.Key(), Ref: i.Ref, From: at, Until: at.Add(holdTime)}
	return c, nil
}

func (i Incident) mayClaim(today *Plan, now time.Time) error {
	d := i.Decision
	switch {
	case i.Attempt != nil:
		return Fail(Conflict, CodeAlreadyClaimed, "the fix was started at %s", FormatTime(i.Attempt.StartedAt))
	case i.Status != WaitingForApproval:
		return badTransition(i.Status, ExecutingFix)
	case d == nil || d.Action != Approve || i.Plan == nil || d.PlanHash != i.Plan.Hash || i.Plan.Hash != i.Plan.HashFor(i.Ref):
		return Fail(Forbidden, CodeNotApproved, "there is no approval of exactly this plan")
	case i.Refusal != "":
		return Fail(Conflict, CodeRefused, "the fix was refused before: %s", i.Refusal)
	case i.RecoveredAt != nil:
		return Fail(Conflict, CodeRecovered, "the source reported recovery at %s", FormatTime(*i.RecoveredAt))
	case now.Sub(d.At) > MaxApprovalAge:
		return Fail(Expired, CodeApprovalStale, "approved at %s; an approval holds for %s", FormatTime(d.At), MaxApprovalAge)
	case today == nil || today.HashFor(i.Ref) != i.Plan.Hash:
		return Fail(Conflict, CodePlanStale, "the approved plan no longer resolves to the same thing")
	}
	return nil
}

// refusals maps what Claim says to what is recorded of it.
var refusals = map[Code]Reason{
	CodeApprovalStale: ReasonApprovalStale,
	CodePlanStale:     ReasonPlanStale,
	CodeTargetBusy:    ReasonTargetBusy,
	CodeRecovered:     refusalRecovered,
}

// RefusalFor returns the reason to record when a claim fails with err; false if
// err says nothing final about the plan.
func RefusalFor(err error) (Reason, bool) {
	r, ok := refusals[CodeOf(err)]
	return r, ok
}

// Refuse records that the standing approval will not be acted on. It closes the
// door for a claim that comes later.
func (i Incident) Refuse(reason Reason, now time.Time) (Change, error) {
	switch {
	case i.Refusal != "" || i.Status.Final():
		return i.recorded(), nil
	case i.Attempt != nil:
		return Change{}, Fail(Conflict, CodeAlreadyClaimed, "the fix was started at %s", FormatTime(i.Attempt.StartedAt))
	}
	c := i.change(now, System, EventFixRefused, map[string]string{"reason": string(reason), "planHash": i.planHash()})
	c.Incident.Refusal = reason
	return c, nil
}

// Result is what can be said of an attempt.
type Result struct {
	Outcome  Outcome
	Verified bool
	Steps    []FixStep
	Looked   bool // by a call that did not act but found the attempt begun
}

// Record stores how the attempt ended. Only the call that acted gives the target
// back: while it may still be acting, the target stays taken until the hold
// lapses. What comes after a look was recorded, or after the incident closed, is
// kept as an event; what was concluded before is not rewritten.
func (i Incident) Record(r Result, now time.Time) (Change, error) {
	switch {
	case i.Attempt == nil:
		return Change{}, Fail(Conflict, CodeTransition, "no fix was started")
	case i.Attempt.Heard, i.Attempt.FinishedAt != nil && r.Looked:
		return i.recorded(), nil
	}
	details := map[string]string{
		"outcome": string(r.Outcome), "verified": strconv.FormatBool(r.Verified), "steps": strconv.Itoa(len(r.Steps))}
	action := EventFixFinished
	if i.Status.Final() || i.Attempt.FinishedAt != nil {
		action = EventFixLate
	}
	if r.Looked {
		details["looked"] = "true"
	}
	c := i.change(now, System, action, details)
	if !r.Looked {
		c.Incident.Attempt.Heard = true
		c.Free = i.Plan.Target.Key()
	}
	if i.Attempt.FinishedAt != nil {
		return c, nil
	}
	at := c.Incident.UpdatedAt
	c.Incident.Attempt.FinishedAt = &at
	c.Incident.Attempt.Outcome, c.Incident.Attempt.Verified = r.Outcome, r.Verified
	for n, s := range r.Steps {
		if n == maxSteps {
			break
		}
		s.At, s.Detail = Stamp(s.At), Cut(s.Detail, maxStepDetail)
		c.Incident.Attempt.Steps = append(c.Incident.Attempt.Steps, s)
	}
	return c, nil
}
