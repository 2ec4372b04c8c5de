package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// holding is one incident's hold of a target, as it was written.
type holding struct {
	target   string
	group    string    // in which it has a place; "" for none
	from, to time.Time // to: when it was given back, or when it lapses
	life     int
	free     bool // it was given back
}

// holdings lists who held what, and when.
func (w *World) holdings() map[incident.Ref]holding {
	all := map[incident.Ref]holding{}
	for _, written := range w.writes {
		c := written.change
		if c.Take != nil {
			h := holding{target: c.Take.Target, group: c.Take.AtOnce.Group, from: written.at, to: c.Take.Until, life: written.life}
			if before, held := all[c.Incident.Ref]; held && !before.free && !written.at.After(before.to) { // it is kept for longer
				h.from, h.life = before.from, before.life
			}
			all[c.Incident.Ref] = h
		}
		if h, held := all[c.Incident.Ref]; c.Free != "" && held && !h.free && written.at.Before(h.to) {
			h.to, h.free = written.at, true
			all[c.Incident.Ref] = h
		}
	}
	return all
}

// checkGivenBack: a target goes back with the record of its fix's end, or of its
// undoing's, unless something of it may be under way: in the call that acted, which has not
// reported and whose process may live, or on a real target whose state is unknown.
func (w *World) checkGivenBack() {
	claimed := w.holdings()
	for _, written := range w.writes {
		c := written.change
		held := w.memory.targets[targetKey{c.Incident.Tenant, claimed[c.Incident.Ref].target}]
		if held.Ref == c.Incident.Ref && w.over(written, claimed[c.Incident.Ref].life) {
			w.blame(invOnce, "%s: its fix is over, and it still holds %s", w.name(held.Ref), held.Target)
		}
	}
	for _, places := range w.memory.places {
		for _, held := range places.Holds {
			if at := w.memory.meta[held.Ref].Attempt; at == nil || !at.Held {
				w.blame(invTruth, "%s: it has a place in the group %s, and its record does not say so", w.name(held.Ref), held.AtOnce.Group)
			}
		}
	}
	for _, held := range w.memory.targets {
		if at := w.memory.meta[held.Ref].Attempt; at == nil || !at.Held {
			w.blame(invTruth, "%s: it holds %s, and its record does not say so", w.name(held.Ref), held.Target)
		}
	}
}

// over reports whether nothing of a fix can be under way by what was written of it. life
// is that in which it was claimed.
func (w *World) over(written write, life int) bool {
	c := written.change
	// What this call said: an earlier look may have said more, of an earlier moment.
	outcome, looked := incident.Outcome(c.Event.Details["outcome"]), c.Event.Details["looked"] == "true"
	ended := outcome == incident.Fixed || outcome == incident.Simulated || outcome == incident.Undone
	nothing := outcome == incident.Failed || outcome == incident.Stale
	other := w.profile.oneProcess && written.life != life
	if strings.HasPrefix(written.by, "VerifyFix#") { // it may see the end before the call that acted has reported
		return ended && (other || reported(c.Incident.Attempt))
	}
	switch c.Event.Action {
	case incident.EventFixFinished, incident.EventFixLate: // an undoing that failed may have failed because the fix is under way still
		return (!looked || other) && (ended || nothing || c.Incident.Plan.Target.Type == targetSimulated)
	}
	return false
}

// reported: the call that acted last has said so.
func reported(at *incident.Attempt) bool {
	if at.Undoing != nil {
		return at.Undoing.Heard
	}
	return at.Heard
}

// working is a step that works on a fix.
type working = func(context.Context, incident.Ref) (steps.FixProgress, error)

// watched is verify-fix, of which it is asked that what goes on settling keeps its target.
func (t *task) watched(verify working) working {
	return func(ctx context.Context, about incident.Ref) (steps.FixProgress, error) {
		w := t.w
		begun := w.now()
		p, err := verify(ctx, about)
		inc := w.memory.meta[about]
		if err != nil || p.Settled || !inc.Settling() || inc.Status != incident.ExecutingFix || w.now().Sub(begun) > time.Minute {
			return p, err
		}
		held, taken := w.memory.targets[targetKey{about.Tenant, inc.Plan.Target.Key()}]
		if another := taken && held.Ref != about && w.now().Before(held.Until); another {
			return p, nil
		}
		if left := held.Until.Sub(w.now()); left < incident.HoldTime/2-2*time.Minute {
			w.blame(invHold, "%s: it goes on settling, and holds its target for %s", w.name(about), left)
		}
		return p, nil
	}
}

// checkCalledAgain: the workflow never asks for the fix again on the answer of the
// very call that claimed it. Where calls are delivered twice it is not told which
// of the two that was.
func (w *World) checkCalledAgain(about incident.Ref, run asl.RunTask) {
	if w.stepNames[run.Function] != "ExecuteFix" || w.profile.duplicate > 0 || w.memory.meta[about].Attempt == nil {
		return
	}
	for _, written := range w.writes {
		c := written.change
		claimed := c.Incident.Ref == about && c.Event.Action == incident.EventFixStarted
		if claimed && written.by == fmt.Sprintf("ExecuteFix#%d", run.Attempt-1) && written.life == w.engine.life {
			w.blame(invOnce, "%s: the workflow called for the fix again after it had been claimed (attempt %d)", w.name(about), run.Attempt)
		}
	}
}

// longestIdle is how long a target may be free while an approved fix waits for it,
// where nothing fails: the longest delay of the definition's Retry, and a moment.
const longestIdle = 5 * time.Second

// checkTurn: what waits for its target gets it, or says truly why not.
func (r record) checkTurn() {
	queued, refused, started := r.event(incident.EventFixQueued), r.event(incident.EventFixRefused), r.event(incident.EventFixStarted)
	if refused != nil && refused.Details["reason"] == string(incident.ReasonTargetBusy) {
		r.checkBusy(refused)
	}
	if queued == nil || !r.w.profile.faultless() {
		return
	}
	end := started
	if end == nil {
		end = refused
	}
	if end != nil {
		waits := func(h holding) bool { return h.target == queued.Details["target"] }
		if t := r.inc.Plan.Terms; t != nil && t.AtOnce.Group != "" { // in a group of one place whoever holds the target holds the place
			waits = func(h holding) bool { return h.group == t.AtOnce.Group }
		}
		if idle := r.w.idle(waits, queued.Time, end.Time); idle > longestIdle {
			r.blame(invTurn, "its target was free for %s while its fix waited for it", idle)
		}
	}
}

// checkBusy: target_busy is said only of an approval that grew too old while the
// target was held, by the incident that is named.
func (r record) checkBusy(refused *incident.Event) {
	if d := r.inc.Decision; refused.Time.Sub(d.At) <= incident.MaxApprovalAge {
		r.blame(invTruth, "it was refused as target_busy %s after the approval", refused.Time.Sub(d.At))
	}
	for about, h := range r.w.holdings() {
		if about.ID != refused.Details["waitedFor"] {
			continue
		}
		p := r.w.profile
		slack := time.Second + 2*p.skew
		if p.stall+p.slow > 0 { // what was seen may be long ago when it is written
			slack = refused.Time.Sub(r.inc.Queued.Since)
		}
		another := h.target != r.inc.Plan.Target.Key()
		if in := refused.Details["group"]; in != "" {
			another = h.group != in
		}
		if another || h.from.After(refused.Time.Add(slack)) || h.to.Before(refused.Time.Add(-slack)) {
			r.blame(invTruth, "it was refused at %s because of %s, which held %s from %s to %s", incident.FormatTime(refused.Time), r.w.name(about),
				h.target, incident.FormatTime(h.from), incident.FormatTime(h.to))
		}
		return
	}
	r.blame(invTruth, "it was refused as target_busy because of %q, which never held anything", refused.Details["waitedFor"])
}

// idle is the longest time without a break in which there was no such hold.
func (w *World) idle(waits func(holding) bool, from, to time.Time) (longest time.Duration) {
	var held []holding
	for _, h := range w.holdings() {
		if waits(h) && h.to.After(from) && h.from.Before(to) {
			held = append(held, h)
		}
	}
	slices.SortFunc(held, func(a, b holding) int { return a.from.Compare(b.from) })
	free := from
	for _, h := range append(held, holding{from: to, to: to}) {
		longest = max(longest, h.from.Sub(free))
		if h.to.After(free) {
			free = h.to
		}
	}
	return longest
}
