package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// checkAct holds one fix, or its undoing, as the target lived it, against the record.
func (w *World) checkAct(a *act) {
	r := record{w: w, inc: w.memory.meta[a.about], name: w.name(a.about)}
	blame := func(invariant, format string, args ...any) { r.blame(invariant, "the "+a.what()+" "+format, args...) }
	if a.plan.HashFor(a.about) != a.plan.Hash {
		blame(invApproval, "was not the plan that its hash says")
	}
	d, claimed := a.record.Decision, a.record.Attempt
	if d == nil || d.Action != incident.Approve || d.PlanHash != a.plan.Hash {
		blame(invApproval, "began without a recorded approval of exactly this plan (%v)", d)
		return
	}
	if claimed == nil || a.undo && claimed.Undoing == nil {
		blame(invApproval, "began before anybody had claimed it")
		return
	}
	since := claimed.StartedAt
	if a.undo {
		since = claimed.Undoing.StartedAt
		w.checkUndo(a, blame)
	} else {
		w.checkFix(a, blame)
	}
	if late := a.begun.Sub(since); late > incident.MaxFixTime+2*w.profile.skew {
		blame(invApproval, "began %s after it was claimed", late)
	}
	if extra := withoutAll(a.rights, a.record.Plan.Rights); len(extra) > 0 {
		blame(invRights, "was begun by a session that may %q beside what was approved", extra)
	}
	if a.elsewhere > 0 {
		blame(invOnce, "began while another was under way on the target")
	}
	if at := claimed.AtOnce; at.Max > 0 && a.crowd >= at.Max {
		blame(invAtOnce, "began while %d others of the group %s were under way; at most %d may be at once", a.crowd, at.Group, at.Max)
	}
	if !a.held {
		blame(invOnce, "did not hold the target at its beginning")
	}
}

// withoutAll is what is in one list and not in the other.
func withoutAll(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// checkFix: a fix is what services.yaml allows, and its step had seen that the target is
// as it was when the plan was made.
func (w *World) checkFix(a *act, blame func(invariant, format string, args ...any)) {
	if !allows(a.deploy, a.record, a.plan) {
		blame(invAllowed, "is not what services.yaml allows for %s", a.record.Service)
	}
	if !strings.HasPrefix(a.by, "ExecuteFix#") {
		blame(invLook, "was done by %s", a.by)
	}
	if a.plan.Target.Type != targetSimulated && a.seen != a.plan.Present[version] {
		blame(invDrift, "was planned for %q, and what was seen before it is %q", a.plan.Present[version], a.seen)
	}
}

// checkUndo: what is undone was done, was not seen to help, and can be undone.
func (w *World) checkUndo(a *act, blame func(invariant, format string, args ...any)) {
	did := a.record.Attempt
	if did.FinishedAt == nil || did.Outcome != incident.Applied || did.Verified {
		blame(invUndo, "began though the fix's outcome was %q, verified %v", did.Outcome, did.Verified)
	}
	if !a.plan.Undo.Possible() {
		blame(invUndo, "began though the plan says that there is none")
	}
	if !strings.HasPrefix(a.by, "UndoFix#") {
		blame(invLook, "was done by %s", a.by)
	}
	if a.was != a.plan.Wanted[version] {
		blame(invDrift, "undid %q, and the fix had made %q", a.was, a.plan.Wanted[version])
	}
}

// checkOnce: a plan is acted on at most once, and so is an incident, and it is undone
// once.
func (w *World) checkOnce() {
	times, undone := map[incident.Ref]int{}, map[incident.Ref]int{}
	for _, a := range w.acts {
		if a.undo {
			undone[a.about]++
		} else {
			times[a.about]++
		}
	}
	for about, n := range times {
		if n > 1 {
			w.blame(invOnce, "%s: the fix ran %d times", w.name(about), n)
		}
	}
	for about, n := range undone {
		if n > 1 {
			w.blame(invOnce, "%s: the fix was undone %d times", w.name(about), n)
		}
	}
}

// checkProgress holds what is written of a fix against what the target is at that moment.
func (w *World) checkProgress(written write) {
	c := written.change
	inc := c.Incident
	about, at := inc.Ref, inc.Attempt
	if c.Free != "" {
		for _, undo := range []bool{false, true} {
			if a := w.last(about, undo); a != nil && a.open {
				w.blame(invOnce, "%s: the target was given back while the %s was under way", w.name(about), a.what())
			}
		}
	}
	if at == nil {
		return
	}
	switch outcome := c.Event.Details["outcome"]; {
	case c.Event.Action == incident.EventFixFinished && outcome == string(incident.Fixed):
		w.checkWorked(written, w.last(about, false), "fixed")
	case c.Event.Action == incident.EventUndoFinished && outcome == string(incident.Undone):
		w.checkWorked(written, w.last(about, true), "undone")
	case c.Event.Action == incident.EventFixApplied && w.last(about, false) == nil,
		c.Event.Action == incident.EventUndoApplied && w.last(about, true) == nil:
		w.blame(invTruth, "%s: it is said that the target took it, and it took nothing (%s)", w.name(about), c.Event.Action)
	}
	w.checkHeldUntil(c)
}

// checkHeldUntil: whoever reads how a fix ended that may go on reads until when its target
// is held.
func (w *World) checkHeldUntil(c incident.Change) {
	if c.Event.Action != incident.EventFixFinished && c.Event.Action != incident.EventUndoFinished {
		return
	}
	for _, undo := range []bool{false, true} {
		a := w.last(c.Incident.Ref, undo)
		if a != nil && a.open && c.Incident.Attempt.Held && c.Event.Details["targetHeldUntil"] == "" {
			w.blame(invTruth, "%s: the %s may go on, and its record does not say until when the target is held", w.name(a.about), a.what())
		}
	}
}

// checkWorked: a fix worked, or its undoing, if the target was as the plan says at some
// moment since it began, and for a fix if the service was well at some.
func (w *World) checkWorked(written write, a *act, said string) {
	name := w.name(written.change.Incident.Ref)
	switch {
	case a == nil:
		w.blame(invTruth, "%s: it is said to be %s, and nothing was done", name, said)
		return
	case a.open:
		w.blame(invTruth, "%s: it is said to be %s, and the %s is under way", name, said, a.what())
	case a.plan.Target.Type == targetSimulated:
		w.blame(invTruth, "%s: it is said to be %s, and it was only walked through", name, said)
		return
	case !a.well || !w.site(a.plan.Target).had(a.wants(), a.begun, w.now()):
		w.blame(invTruth, "%s: it is said to be %s, and the target is %q, not %q (well %v)", name, said,
			w.site(a.plan.Target).is(), a.wants(), a.well)
	}
	svc, known := written.deploy.inventory.Lookup(written.change.Incident.Service)
	if known && svc.Health != nil && !a.undo && w.now().Before(a.sick) {
		w.blame(invTruth, "%s: it is said to be %s, and the service is not well", name, said)
	}
}

// checkOutcome: what the record says of the fix in the end is what the target saw.
func (r record) checkOutcome() {
	at := r.inc.Attempt
	fix, undo := r.w.last(r.inc.Ref, false), r.w.last(r.inc.Ref, true)
	changed := fix != nil && fix.changed
	if at == nil {
		if fix != nil || undo != nil {
			r.blame(invTruth, "the target was changed for it, and the record knows of no attempt")
		}
		d, other := r.inc.Decision, r.inc.RecoveredAt != nil || r.inc.Resolution != nil
		if r.inc.Status == incident.Resolved && !other && (d == nil || d.Action != incident.Resolve) {
			r.blame(invTruth, "it is RESOLVED though nothing was done, nobody decided to, and nothing recovered")
		}
		return
	}
	r.checkUndone(at, undo)
	works := at.Outcome == incident.Fixed || at.Outcome == incident.Simulated
	off := 2 * r.w.profile.skew // of the clocks that wrote it
	switch {
	case (works || at.Verified) && !changed:
		r.blame(invTruth, "the outcome is %s, verified %v, and the target was never changed", at.Outcome, at.Verified)
	case at.Outcome == incident.Fixed && r.inc.Plan.Target.Type == targetSimulated:
		r.blame(invTruth, "the outcome is fixed, and it was only simulated")
	case (at.Outcome == incident.Failed || at.Outcome == incident.Stale) && changed:
		r.blame(invTruth, "the outcome is %s, and the target was changed", at.Outcome)
	case at.Outcome == incident.Stale && !r.w.wasAnother(*r.inc.Plan, at.StartedAt.Add(-off), at.FinishedAt.Add(off)):
		r.blame(invTruth, "the outcome is stale, and the target was as planned all the while")
	case at.Outcome == incident.Applied && fix == nil:
		r.blame(invTruth, "the outcome is applied, and the target was given nothing")
	case r.inc.Status == incident.Resolved && r.inc.Resolution == nil && (!at.Verified || !works):
		r.blame(invTruth, "it is RESOLVED by a fix whose outcome is %s, verified %v", at.Outcome, at.Verified)
	case r.inc.Status == incident.Escalated && at.Outcome == "" && at.ActedAt == nil && r.inc.EscalationReason != incident.ReasonFixUnknown:
		r.blame(invTruth, "nothing was heard of the fix, and the reason is %s", r.inc.EscalationReason)
	}
}

// checkUndone: what the record says of an undoing is what the target saw.
func (r record) checkUndone(at *incident.Attempt, undo *act) {
	u := at.Undoing
	changed := undo != nil && undo.changed
	switch {
	case u == nil && undo != nil:
		r.blame(invTruth, "the fix was undone, and the record knows nothing of it")
	case u == nil:
	case u.Outcome == incident.Undone && !(changed && undo.well):
		r.blame(invTruth, "the fix is said to be undone, and it was not")
	case u.Outcome == incident.Failed && changed:
		r.blame(invTruth, "undoing is said to have failed, and the target was changed by it")
	case u.Outcome == incident.Applied && undo == nil:
		r.blame(invTruth, "undoing is said to be applied, and the target was given nothing")
	case at.Verified:
		r.blame(invUndo, "a fix that was verified was undone")
	}
}

// wasAnother reports whether the target was another than planned at any time between.
func (w *World) wasAnother(plan incident.Plan, from, to time.Time) bool {
	s := w.site(plan.Target)
	if s.at(from) != plan.Present[version] {
		return true
	}
	for _, m := range s.past {
		if m.version != plan.Present[version] && !m.since.Before(from) && !m.since.After(to) {
			return true
		}
	}
	return false
}
