package sim

import (
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// version is the one fact of a simulated target that fixes depend on: whoever changes
// the target, a fix or somebody by hand, leaves another one.
const version = "version"

// site is one real target.
type site struct {
	key  string
	past []moment // what it was, oldest first
	hand int      // how often somebody changed it by hand

	answered map[string]reply // by the key of the call
}

// moment is since when a target has had a version.
type moment struct {
	since   time.Time
	version string
}

// site finds a target, which is there from the beginning.
func (w *World) site(target incident.Target) *site {
	s, ok := w.sites[target.Key()]
	if !ok {
		s = &site{key: target.Key(), past: []moment{{epoch, "1"}}, answered: map[string]reply{}}
		w.sites[target.Key()] = s
	}
	return s
}

// at is the version that the target had at that time.
func (s *site) at(when time.Time) string {
	found := s.past[0].version
	for _, m := range s.past {
		if !m.since.After(when) {
			found = m.version
		}
	}
	return found
}

// is is the target's version now.
func (s *site) is() string { return s.past[len(s.past)-1].version }

// had reports whether the target had a version at any time between.
func (s *site) had(version string, from, to time.Time) bool {
	if s.at(from) == version {
		return true
	}
	for _, m := range s.past {
		if m.version == version && !m.since.Before(from) && !m.since.After(to) {
			return true
		}
	}
	return false
}

// change makes the target another one.
func (w *World) change(s *site, to, by string) {
	s.past = append(s.past, moment{w.now(), to})
	w.note("target "+s.key, "is "+to, "", "by "+by)
}

// drift is somebody who changes a target by hand and asks nobody.
func (w *World) drift(target incident.Target) {
	if target.Type == targetSimulated {
		return
	}
	s := w.site(target)
	s.hand++
	w.change(s, fmt.Sprintf("hand-%d", s.hand), "somebody")
	w.counts["drift"]++
}

// act is one fix, or its undoing, as the target itself lived it, from the beginning until
// nothing of it is under way any more, whether or not the process that began it lives.
type act struct {
	about  incident.Ref
	plan   incident.Plan
	undo   bool
	by     string      // the task
	deploy *deployment // what the acting process was started with
	begun  time.Time
	ended  time.Time
	open   bool // it has not ended
	// changed: the target is another one by it, or, where it is only walked through, it
	// was walked through to its end.
	changed bool
	well    bool      // it ends, or has ended, as the plan says
	sick    time.Time // the service is not well until then, whatever the target is

	record    incident.Incident // as the store had it when the fix began
	seen      string            // the version that its task had seen when it began; "" if it had not looked
	was       string            // the version that it changed
	rights    []string          // of the session that began it; none where it is only walked through
	held      bool              // the target was taken by this incident when the fix began
	elsewhere int               // how many other fixes were under way on the target when it began
	crowd     int               // how many other incidents' fixes were under way in its group then
}

// wants is the version that the act is to leave.
func (a *act) wants() string {
	if a.undo {
		return a.plan.Undo.Wanted[version]
	}
	return a.plan.Wanted[version]
}

// limit is by when the act ends, unless its platform takes longer than the plan allows.
func (a *act) limit() time.Time { return a.begun.Add(a.plan.Limit()) }

func (a *act) what() string {
	if a.undo {
		return "undoing of " + a.plan.FixID
	}
	return a.plan.FixID
}

// begin starts an act. What an undoing undoes is under way no longer.
func (w *World) begin(t *task, a *act) *act {
	about, plan := a.about, a.plan
	a.by, a.deploy, a.begun, a.open = t.actor, t.deploy, w.now(), true
	a.record, a.held = w.memory.meta[about], w.holds(about, plan)
	for _, other := range w.acts {
		if other.open && other.about != about && a.sharesGroup(other) && w.now().Before(other.limit()) {
			a.crowd++
		}
		switch {
		case !other.open || other.plan.Target.Key() != plan.Target.Key():
		case a.undo && other.about == about && !other.undo:
			other.open, other.ended, other.well = false, w.now(), false
		case w.now().Before(other.limit()):
			a.elsewhere++
		}
	}
	w.acts = append(w.acts, a)
	w.counts["act"]++
	w.note("target "+plan.Target.Key(), "begins "+a.what(), w.name(about), "for "+t.actor)
	return a
}

func (a *act) sharesGroup(other *act) bool {
	mine, theirs := a.record.Attempt, other.record.Attempt
	return mine != nil && theirs != nil && mine.AtOnce.Group != "" && mine.AtOnce.Group == theirs.AtOnce.Group
}

func (w *World) end(a *act) {
	if !a.open {
		return
	}
	a.ended, a.open = w.now(), false
	if a.plan.Target.Type != targetSimulated && !w.holds(a.about, a.plan) && !w.now().After(a.limit()) {
		w.blame(invOnce, "%s: the %s did not hold the target to its end", w.name(a.about), a.what())
	}
	w.note("target "+a.plan.Target.Key(), "ends "+a.what(), w.name(a.about), map[bool]string{true: "well", false: "not well"}[a.well])
}

// last is the newest act about an incident's fix, or about its undoing; nil if there is
// none.
func (w *World) last(about incident.Ref, undo bool) *act {
	for n := len(w.acts) - 1; n >= 0; n-- {
		if a := w.acts[n]; a.about == about && a.undo == undo {
			return a
		}
	}
	return nil
}

// holds reports whether the store says that the target is this incident's now.
func (w *World) holds(about incident.Ref, plan incident.Plan) bool {
	held, ok := w.memory.targets[targetKey{about.Tenant, plan.Target.Key()}]
	return ok && held.Ref == about && w.now().Before(held.Until)
}
