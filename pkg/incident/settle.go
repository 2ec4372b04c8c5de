package incident

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// Took records that the target has taken the fix, which settles from now on. looked: the
// call that acted was never heard of; a later one saw it under way.
func (i Incident) Took(receipt State, did []FixStep, looked bool, now time.Time) (Change, error) {
	switch {
	case i.Attempt == nil:
		return Change{}, Fail(Conflict, CodeTransition, "no fix was started")
	case i.Attempt.ActedAt != nil && (looked || i.Attempt.Heard), i.Attempt.FinishedAt != nil && looked:
		return i.recorded(), nil
	}
	details := map[string]string{"limitSeconds": seconds(i.Plan.Limit())}
	action := EventFixApplied
	if i.Status.Final() || i.Attempt.FinishedAt != nil {
		action = EventFixLate
		details["outcome"], details["verified"] = string(Applied), "false"
	}
	if looked {
		details["looked"] = "true"
	}
	c := i.change(now, System, action, details)
	a := c.Incident.Attempt
	a.Heard = a.Heard || !looked
	if action == EventFixApplied {
		if at := c.Incident.UpdatedAt; a.ActedAt == nil { // else a look saw it under way before the call reported
			a.ActedAt = &at
		}
		a.Receipt = receipt.Facts()
		a.Steps = withSteps(a.Steps, did)
	} else if a.FinishedAt == nil { // nobody will look how it goes on
		a.finish(Result{Outcome: Applied, Steps: did}, c.Incident.UpdatedAt)
	} else if a.Held && a.Verified && a.Undoing == nil {
		// The target was seen as wanted, and was kept only for the call that acted, which has
		// reported now.
		c.giveBack()
	}
	return c, nil
}

// Settling reports whether the fix, or its undoing, was taken by the target and has not
// ended.
func (i Incident) Settling() bool {
	a := i.Attempt
	switch {
	case a == nil:
		return false
	case a.Undoing != nil:
		return a.Undoing.ActedAt != nil && a.Undoing.FinishedAt == nil
	}
	return a.ActedAt != nil && a.FinishedAt == nil
}

// SettleSince is when the target took what is settling; SettleUntil is by when it must be
// verified.
func (i Incident) SettleSince() time.Time {
	switch a := i.Attempt; {
	case !i.Settling():
		return time.Time{}
	case a.Undoing != nil:
		return *a.Undoing.ActedAt
	default:
		return *a.ActedAt
	}
}

// SettleUntil is by when what settles must be verified.
func (i Incident) SettleUntil() time.Time {
	if !i.Settling() {
		return time.Time{}
	}
	return i.SettleSince().Add(i.Plan.Limit())
}

// Renew keeps the target while a fix settles on it; there is nothing to write while
// enough of the hold is left. A hold that has lapsed is taken again only if the target
// is free.
func (i Incident) Renew(now time.Time) Change {
	now = i.notBefore(now)
	if i.Status != ExecutingFix || !i.Settling() || !i.Attempt.Held || i.Attempt.Until.Sub(now) > renewBefore {
		return i.recorded()
	}
	c := i.change(now, System, EventFixWatched, map[string]string{"targetHeldUntil": FormatTime(now.Add(HoldTime))})
	c.hold(c.Incident.UpdatedAt, HoldTime)
	return c
}

// hold takes the target, and a place in its group, or keeps both for longer.
func (c *Change) hold(at time.Time, long time.Duration) {
	a, until := c.Incident.Attempt, at.Add(long)
	a.Until, a.Held = until, true
	c.Take = &Hold{Target: c.Incident.Plan.Target.Key(), Ref: c.Incident.Ref, From: at, Until: until, AtOnce: a.AtOnce}
}

// giveBack gives back what hold took.
func (c *Change) giveBack() {
	a := c.Incident.Attempt
	a.Held = false
	c.Free, c.FreeGroup = c.Incident.Plan.Target.Key(), a.AtOnce.Key()
}

// MayUndo reports whether the fix is to be undone: the target took it, it was not seen to
// help, its source has not reported recovery, the plan that was approved says how it is
// undone, nobody began to, and the target is still held for it.
func (i Incident) MayUndo(now time.Time) bool {
	a := i.Attempt
	return i.Status == ExecutingFix && a != nil && a.FinishedAt != nil && a.Outcome == Applied && !a.Verified && i.RecoveredAt == nil &&
		a.Undoing == nil && i.Holds(now) && i.approved() && i.Plan.Undo.Possible()
}

// approved reports whether the standing decision is the approval of exactly the plan.
func (i Incident) approved() bool {
	d := i.Decision
	return d != nil && d.Action == Approve && i.Plan != nil && d.PlanHash == i.Plan.Hash && i.Plan.Hash == i.Plan.HashFor(i.Ref)
}

// ClaimUndo takes the one time that a fix may be undone. A caller that is refused with
// CodeAlreadyClaimed must never act, only look.
func (i Incident) ClaimUndo(by Claimer, now time.Time) (Change, error) {
	switch {
	case i.Attempt != nil && i.Attempt.Undoing != nil:
		return Change{}, Fail(Conflict, CodeAlreadyClaimed, "undoing the fix was begun at %s", FormatTime(i.Attempt.Undoing.StartedAt))
	case !i.MayUndo(i.notBefore(now)):
		return Change{}, Fail(Forbidden, CodeNotApproved, "there is no fix that is to be undone")
	}
	details := map[string]string{"planHash": i.Plan.Hash, "target": i.Plan.Target.Key(), "approvedBy": string(i.Decision.By)}
	if by.Call != "" {
		details["call"] = by.Call
	}
	c := i.change(now, System, EventUndoStarted, details)
	c.Incident.Attempt.Undoing = &Undoing{StartedAt: c.Incident.UpdatedAt, Runner: by.Runner}
	c.hold(c.Incident.UpdatedAt, i.Plan.hold())
	c.Unless = StopAll
	return c, nil
}

// RefuseUndo records that a fix that was to be undone is not, and why.
func (i Incident) RefuseUndo(why string, now time.Time) Change {
	if !i.MayUndo(i.notBefore(now)) {
		return i.recorded()
	}
	c := i.change(now, System, EventUndoFinished, map[string]string{
		"outcome": string(Failed), "refused": why, "targetHeldUntil": FormatTime(i.Attempt.Until)})
	at := c.Incident.UpdatedAt
	c.Incident.Attempt.Undoing = &Undoing{StartedAt: at, FinishedAt: &at, Outcome: Failed,
		Steps: withSteps(nil, []FixStep{{Name: "undo", Status: "failed", Detail: why + "; nothing was changed", At: at}})}
	return c
}

// TookUndo records that the target has taken the undoing. looked: the call that acted was
// never heard of; a later one saw it under way.
func (i Incident) TookUndo(receipt State, did []FixStep, looked bool, now time.Time) (Change, error) {
	u, err := i.undoing()
	switch {
	case err != nil, u.ActedAt != nil && (looked || u.Heard), u.FinishedAt != nil && (looked || u.Heard):
		return i.recorded(), err
	}
	late := u.FinishedAt != nil || i.Status.Final()
	details, action := map[string]string{"limitSeconds": seconds(i.Plan.Limit())}, EventUndoApplied
	if late {
		details, action = map[string]string{"outcome": string(Applied)}, EventUndoLate
	}
	if looked {
		details["looked"] = "true"
	}
	c := i.change(now, System, action, details)
	next := c.Incident.Attempt.Undoing
	next.Heard = next.Heard || !looked
	if late {
		next.finish(Result{Outcome: Applied, Steps: did}, c.Incident.UpdatedAt) // nobody will look how it goes on
		return c, nil
	}
	if at := c.Incident.UpdatedAt; next.ActedAt == nil {
		next.ActedAt = &at
	}
	next.Receipt, next.Steps = receipt.Facts(), withSteps(u.Steps, did)
	return c, nil
}

// RecordUndo stores how the undoing ended, and gives the target back if nothing of it can
// be under way any more. What comes after a look was recorded is kept as an event.
func (i Incident) RecordUndo(r Result, now time.Time) (Change, error) {
	u, err := i.undoing()
	if err != nil || u.FinishedAt != nil && (r.Looked || u.Heard) {
		return i.recorded(), err
	}
	details, action := map[string]string{"outcome": string(r.Outcome)}, EventUndoFinished
	if u.FinishedAt != nil {
		action = EventUndoLate
	}
	if r.Looked {
		details["looked"] = "true"
	}
	if i.Attempt.Held && !r.Over {
		details["targetHeldUntil"] = FormatTime(i.Attempt.Until)
	}
	c := i.change(now, System, action, details)
	next := c.Incident.Attempt.Undoing
	next.Heard = next.Heard || !r.Looked
	next.finish(r, c.Incident.UpdatedAt)
	if r.Over {
		c.giveBack()
	}
	return c, nil
}

// finish keeps what a result says; what was concluded before is not rewritten.
func (u *Undoing) finish(r Result, at time.Time) {
	if u.FinishedAt != nil {
		return
	}
	u.FinishedAt, u.Outcome = &at, r.Outcome
	u.Steps = withSteps(u.Steps, r.Steps)
}

func (i Incident) undoing() (Undoing, error) {
	if i.Attempt == nil || i.Attempt.Undoing == nil {
		return Undoing{}, Fail(Conflict, CodeTransition, "nobody began to undo the fix")
	}
	return *i.Attempt.Undoing, nil
}

// Planning is what plan-fix brings.
type Planning struct {
	Plan       *Plan  // frozen; nil: manual review
	Candidates []Plan // frozen, in a manual review; at most MaxCandidates
	// Cautions are what people should know of candidates before they choose, by hash.
	Cautions map[string]string
	// ManualReason says why there is no plan although there may be a proposal.
	ManualReason string
	// Caution is what people should know before they approve; "" if nothing.
	Caution string
}

// MaxCandidates bounds what a person may choose among.
const MaxCandidates = 3

// Planned freezes what people will be asked about; once, and only while DETECTED.
func (i Incident) Planned(p Planning, now time.Time) (Change, error) {
	switch {
	case i.Plan != nil || len(i.Candidates) > 0 || i.Analysis != nil && i.Analysis.PlanFailed:
		return i.recorded(), nil
	case i.Status != Detected:
		return Change{}, badTransition(i.Status, Detected)
	case p.Plan == nil && len(p.Candidates) == 0 && p.ManualReason == "":
		return i.recorded(), nil
	}
	details := map[string]string{}
	if p.Plan != nil {
		details["fixId"], details["planHash"], details["target"] = p.Plan.FixID, p.Plan.Hash, p.Plan.Target.Key()
	} else {
		details["manualReview"] = p.ManualReason
		for n, c := range p.Candidates[:min(len(p.Candidates), MaxCandidates)] {
			details["candidate."+string(rune('1'+n))] = c.FixID + " " + c.Hash
			if caution := p.Cautions[c.Hash]; caution != "" {
				details["candidate."+string(rune('1'+n))+".caution"] = caution
			}
		}
	}
	if p.Caution != "" {
		details["caution"] = p.Caution
	}
	c := i.change(now, System, EventPlanned, details)
	c.Incident.Plan, c.Incident.Caution = p.Plan, p.Caution
	if p.Plan == nil {
		c.Incident.Candidates = slices.Clone(p.Candidates[:min(len(p.Candidates), MaxCandidates)])
		c.Incident.Cautions = maps.Clone(p.Cautions)
		if p.ManualReason != "" {
			analysis := Analysis{AnalyzedBy: ByNone}
			if i.Analysis != nil {
				analysis = *i.Analysis
			}
			analysis.ManualReason, analysis.PlanFailed = p.ManualReason, true
			c.Incident.Analysis = &analysis
		}
	}
	return c, nil
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
