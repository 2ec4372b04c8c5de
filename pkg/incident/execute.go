package incident

import (
	"slices"
	"strconv"
	"time"
)

const (
	// MaxApprovalAge is how long an approval may be acted on.
	MaxApprovalAge = 15 * time.Minute
	// MaxFixTime is how long the call that acts may take. It does not wait for what it
	// begins: see Plan.Limit.
	MaxFixTime = 10 * time.Minute
	// HoldTime is how long a target stays taken when nothing is heard of its fix
	// again, beside the limit of what the call may have begun: longer than a call can act,
	// so that a hold never lapses under one.
	HoldTime = MaxFixTime + 5*time.Minute
	// MaxHoldTime is the longest that a claim takes a target.
	MaxHoldTime = HoldTime + MaxFixLimit
	// renewBefore is how much of a hold is left when it is renewed.
	renewBefore = HoldTime / 2
	// maxSteps bounds what an executor can make the record grow by.
	maxSteps      = 50
	maxStepName   = 128
	maxStepDetail = 500 // bytes
	maxRefusalWhy = MaxBrakeReason + 500
)

// hold is how long the target is taken for the plan: until whatever a call may begin on it
// must have ended, even if nobody ever looks at it. What is only walked through begins
// nothing.
func (p Plan) hold() time.Duration {
	if p.Simulated() {
		return HoldTime
	}
	return HoldTime + time.Duration(p.LimitSeconds)*time.Second
}

// Claimer says whose claim it is.
type Claimer struct {
	Runner string // the process, where only one may run; see Attempt.Runner
	// Call is different for every call. Where several calls may claim at once, and an
	// answer may be lost, a call knows its own claim from another's by it: a store looks
	// whether the event that is stored is the one it wrote.
	Call string
}

// Claim takes the one attempt that a plan gets and the target with it. today is
// the plan built anew, now, from its fix and parameters, the catalogue and services.yaml;
// nil if it no longer resolves. Whether the target is still as planned is looked at
// under the hold that this takes: see Stale. A caller that is refused with CodeAlreadyClaimed
// must never act, only look. A commit that is refused with CodeTargetBusy has
// changed nothing: the fix may be claimed again when the target is free.
func (i Incident) Claim(by Claimer, today *Plan, now time.Time) (Change, error) {
	if err := i.mayClaim(today, i.notBefore(now)); err != nil {
		return Change{}, err
	}
	details := map[string]string{
		"fixId": i.Plan.FixID, "planHash": i.Plan.Hash, "target": i.Plan.Target.Key(), "approvedBy": string(i.Decision.By)}
	if by.Call != "" {
		details["call"] = by.Call
	}
	c := i.change(now, System, EventFixStarted, details)
	if err := c.become(ExecutingFix); err != nil {
		return Change{}, err
	}
	at := c.Incident.UpdatedAt
	c.Incident.Queued = nil
	c.Incident.Attempt = &Attempt{StartedAt: at, Runner: by.Runner, AtOnce: today.atOnce()}
	c.hold(at, i.Plan.hold())
	c.Unless = StopFixes
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
	case today == nil || today.Bare().under(i.Plan.Terms).HashFor(i.Ref) != i.Plan.Bare().HashFor(i.Ref):
		return Fail(Conflict, CodePlanStale, "the approved plan no longer resolves to the same thing")
	}
	return nil
}

// refusals maps what Claim says to what is recorded of it.
var refusals = map[Code]Reason{
	CodeApprovalStale: ReasonApprovalStale,
	CodePlanStale:     ReasonPlanStale,
	CodeRecovered:     refusalRecovered,
	CodeStopped:       ReasonExecutionStopped,
}

// RefusalFor returns the reason to record when a claim fails with err; false if
// err says nothing final about the plan, as a busy target does not.
func RefusalFor(err error) (Reason, bool) {
	r, ok := refusals[CodeOf(err)]
	return r, ok
}

// Queue records that the approved fix waits until the target is free, or has a place in
// its group, and whose fix holds it. Only another holder than the recorded one is news.
// Where nothing waits any more (the fix was claimed or refused meanwhile) there is nothing
// to record. group is "" where the target itself is held.
func (i Incident) Queue(holder, group string, now time.Time) Change {
	waits := i.Status == WaitingForApproval && i.Decision != nil && i.Decision.Action == Approve && i.Attempt == nil && i.Refusal == ""
	if !waits || i.Queued != nil && i.Queued.Holder == holder && i.Queued.Group == group {
		return i.recorded()
	}
	details := map[string]string{"target": i.Plan.Target.Key(), "heldBy": holder}
	if group != "" {
		details["group"] = group
	}
	c := i.change(now, System, EventFixQueued, details)
	queued := Queued{Holder: holder, Group: group, Since: c.Incident.UpdatedAt}
	if i.Queued != nil {
		queued.Since = i.Queued.Since
	}
	c.Incident.Queued = &queued
	return c
}

// Holds reports whether this incident's fix holds its target at that time.
func (i Incident) Holds(at time.Time) bool {
	return i.Attempt != nil && i.Attempt.Held && at.Before(i.Attempt.Until)
}

// Refuse records that the standing approval will not be acted on. It closes the
// door for a claim that comes later.
func (i Incident) Refuse(reason Reason, now time.Time) (Change, error) {
	return i.RefuseBecause(reason, "", now)
}

// RefuseBecause is Refuse with words for people; they may hold an operator's own.
func (i Incident) RefuseBecause(reason Reason, why string, now time.Time) (Change, error) {
	switch {
	case i.Refusal != "" || i.Status.Final():
		return i.recorded(), nil
	case i.Attempt != nil:
		return Change{}, Fail(Conflict, CodeAlreadyClaimed, "the fix was started at %s", FormatTime(i.Attempt.StartedAt))
	}
	details := map[string]string{"reason": string(reason), "planHash": i.planHash()}
	if i.Queued != nil {
		details["waitedSince"], details["waitedFor"] = FormatTime(i.Queued.Since), i.Queued.Holder
		if i.Queued.Group != "" {
			details["group"] = i.Queued.Group
		}
	}
	if why = Cut(why, maxRefusalWhy); why != "" {
		details["why"] = why
	}
	c := i.change(now, System, EventFixRefused, details)
	c.Incident.Refusal, c.Incident.RefusalWhy = reason, why
	return c, nil
}

// Result is what can be said of an attempt.
type Result struct {
	Outcome  Outcome
	Verified bool
	Steps    []FixStep
	Looked   bool // by a call that did not act but found the attempt begun
	// Over: nothing of the fix can be under way any more, neither in the call that
	// acted nor on the target. Of a call that acted and knows its outcome it is
	// true without being said.
	Over bool
}

// Record stores how the attempt ended, and in the same change gives the target
// back, unless the fix may still be under way: in the call that acted, which has
// not reported, or on the target, when even that call does not know how it ended.
// Then the hold stays until it lapses, so that no other fix meets this one. What
// comes after a look was recorded, or after the incident closed, is kept as an
// event; what was concluded before is not rewritten.
func (i Incident) Record(r Result, now time.Time) (Change, error) {
	switch {
	case i.Attempt == nil:
		return Change{}, Fail(Conflict, CodeTransition, "no fix was started")
	case i.Attempt.FinishedAt != nil && (r.Looked || i.Attempt.Heard):
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
	over := r.Over || !r.Looked && r.Outcome != Unknown && r.Outcome != Applied
	if i.Attempt.Held && !over {
		details["targetHeldUntil"] = FormatTime(i.Attempt.Until)
	}
	c := i.change(now, System, action, details)
	c.Incident.Attempt.Heard = c.Incident.Attempt.Heard || !r.Looked
	if over {
		c.giveBack()
	}
	if i.Attempt.FinishedAt == nil {
		c.Incident.Attempt.finish(r, c.Incident.UpdatedAt)
	}
	return c, nil
}

// finish keeps what a result says, within bounds.
func (a *Attempt) finish(r Result, at time.Time) {
	a.FinishedAt = &at
	a.Outcome, a.Verified = r.Outcome, r.Verified
	a.Steps = withSteps(a.Steps, r.Steps)
}

// withSteps adds steps within bounds.
func withSteps(to, more []FixStep) []FixStep {
	to = slices.Clone(to)
	for _, s := range more {
		if len(to) == maxSteps {
			break
		}
		s.At, s.Name, s.Detail = Stamp(s.At), Cut(s.Name, maxStepName), Cut(s.Detail, maxStepDetail)
		to = append(to, s)
	}
	return to
}
