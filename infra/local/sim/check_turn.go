package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

// holding is one incident's hold of a target, as it was written.
type holding struct {
	target   string
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
			all[c.Incident.Ref] = holding{target: c.Take.Target, from: written.at, to: c.Take.Until, life: written.life}
		}
		if h, held := all[c.Incident.Ref]; c.Free != "" && held && !h.free && written.at.Before(h.to) {
			h.to, h.free = written.at, true
			all[c.Incident.Ref] = h
		}
	}
	return all
}

// checkGivenBack: a target goes back with the record of its fix's end, unless
// something of the fix may be under way: in the call that acted, which has not
// reported and whose process may live, or on a real target whose state is unknown.
func (w *World) checkGivenBack() {
	claimed := w.holdings()
	for _, written := range w.writes {
		c := written.change
		if c.Event.Action != incident.EventFixFinished && c.Event.Action != incident.EventFixLate {
			continue
		}
		looked := c.Event.Details["looked"] == "true"
		// What this call said: an earlier look may have said more, of an earlier moment.
		known := c.Event.Details["outcome"] != string(incident.Unknown) || c.Incident.Plan.Target.Type == targetSimulated
		gone := !looked || w.profile.oneProcess && written.life != claimed[c.Incident.Ref].life
		if held := w.memory.targets[targetKey{c.Incident.Tenant, claimed[c.Incident.Ref].target}]; known && gone && held.Ref == c.Incident.Ref {
			w.blame(invOnce, "%s: its fix is over, and it still holds %s", w.name(held.Ref), held.Target)
		}
	}
	for _, held := range w.memory.targets {
		if at := w.memory.meta[held.Ref].Attempt; at == nil || !at.Held {
			w.blame(invTruth, "%s: it holds %s, and its record does not say so", w.name(held.Ref), held.Target)
		}
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
		if idle := r.w.idle(queued.Details["target"], queued.Time, end.Time); idle > longestIdle {
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
		if h.target != r.inc.Plan.Target.Key() || h.from.After(refused.Time.Add(slack)) || h.to.Before(refused.Time.Add(-slack)) {
			r.blame(invTruth, "it was refused at %s because of %s, which held %s from %s to %s", incident.FormatTime(refused.Time), r.w.name(about),
				h.target, incident.FormatTime(h.from), incident.FormatTime(h.to))
		}
		return
	}
	r.blame(invTruth, "it was refused as target_busy because of %q, which never held anything", refused.Details["waitedFor"])
}

// idle is the longest time without a break that nobody held the target.
func (w *World) idle(target string, from, to time.Time) (longest time.Duration) {
	var held []holding
	for _, h := range w.holdings() {
		if h.target == target && h.to.After(from) && h.from.Before(to) {
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
