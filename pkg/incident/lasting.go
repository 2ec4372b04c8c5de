package incident

import (
	"reflect"
	"slices"
	"time"
)

// MaxPastFixes bounds what is remembered of a service.
const MaxPastFixes = 20

// FixHistory is what was done to one service lately, and whether it helped for good. It
// holds at most 10 KiB.
type FixHistory struct {
	Version int64     `json:"version"` // counts changes, for stores that need a lock
	Fixes   []PastFix `json:"fixes"`   // the newest last
}

// PastFix is a fix that reached its target, or may have.
type PastFix struct {
	IncidentID  string    `json:"incidentId"`
	FixID       string    `json:"fixId"`
	Fingerprint string    `json:"fingerprint"` // of the trouble that it was to end
	At          time.Time `json:"at"`          // when it had ended
	Outcome     Outcome   `json:"outcome"`
	// WatchedUntil is until when the same trouble must stay away for the fix to have
	// helped; zero for a fix that was not seen to help in the first place.
	WatchedUntil time.Time `json:"watchedUntil,omitzero"`
	Again        string    `json:"again,omitempty"` // the incident with which the trouble was back; "": it is not
	AgainAt      time.Time `json:"againAt,omitzero"`
	// Told: the incident's own record says it too.
	Told bool `json:"told,omitempty"`
}

// Lasted reports whether the fix helped for good; nil while that is being watched.
func (f PastFix) Lasted(now time.Time) *bool { return lasted(f.WatchedUntil, f.Again, now) }

func lasted(until time.Time, again string, now time.Time) *bool {
	yes := false
	switch {
	case until.IsZero() || again != "":
	case now.Before(until):
		return nil
	default:
		yes = true
	}
	return &yes
}

// pastFix is what is to be remembered of the incident's fix; false where there was none,
// or where it is certain that nothing was changed.
func (i Incident) pastFix(watch time.Duration, now time.Time) (PastFix, bool) {
	a := i.Attempt
	if a == nil || i.Plan == nil || a.Outcome == Failed || a.Outcome == Stale {
		return PastFix{}, false
	}
	f := PastFix{IncidentID: i.ID, FixID: i.Plan.FixID, Fingerprint: i.Fingerprint, At: i.notBefore(now), Outcome: a.Outcome}
	if f.Outcome == "" {
		f.Outcome = Unknown // never heard of again
	}
	if status, _ := i.Conclusion(); status == Resolved && watch > 0 {
		f.WatchedUntil = f.At.Add(watch)
	}
	return f, true
}

// Note remembers the fix of an incident that is about to be closed, and returns until
// when its help is watched; zero where it is not. It must be stored before the incident is
// closed: then it cannot be lost in between. Asked again for an incident that is not
// closed yet, it begins to watch anew.
func (h *FixHistory) Note(i Incident, watch time.Duration, now time.Time) (until time.Time) {
	f, reached := i.pastFix(watch, now)
	if !reached {
		return time.Time{}
	}
	if n := slices.IndexFunc(h.Fixes, func(old PastFix) bool { return old.IncidentID == i.ID }); n >= 0 {
		if h.Fixes[n].Again == "" { // else another call has closed it meanwhile, and the trouble is back already
			h.Fixes[n] = f
		}
		return h.Fixes[n].WatchedUntil
	}
	h.Fixes = append(h.Fixes, f)
	h.Fixes = h.Fixes[max(0, len(h.Fixes)-MaxPastFixes):]
	return f.WatchedUntil
}

// Meet takes notice of an incident that was opened: fixes of the same trouble that are
// still watched did not last. It may be asked again, and later than the incident came.
func (h *FixHistory) Meet(i Incident) {
	for n := range h.Fixes {
		f := &h.Fixes[n]
		if f.IncidentID != i.ID && f.Fingerprint == i.Fingerprint && f.Again == "" && i.CreatedAt.Before(f.WatchedUntil) {
			f.Again, f.AgainAt = i.ID, i.CreatedAt
		}
	}
}

// Untold returns the fixes that did not last and whose own incident does not say so yet.
func (h FixHistory) Untold() []PastFix {
	var all []PastFix
	for _, f := range h.Fixes {
		if f.Again != "" && !f.Told {
			all = append(all, f)
		}
	}
	return all
}

// Tell remembers that the incident of a fix says that it did not last.
func (h *FixHistory) Tell(id string) {
	for n := range h.Fixes {
		if h.Fixes[n].IncidentID == id && h.Fixes[n].Again != "" {
			h.Fixes[n].Told = true
		}
	}
}

// Vain returns when the fix was done in vain since then: it did not help, or not for
// good. "" is any fix.
func (h FixHistory) Vain(fixID string, since, now time.Time) []PastFix {
	var vain []PastFix
	for _, f := range h.Fixes {
		lasted := f.Lasted(now)
		if (fixID == "" || f.FixID == fixID) && f.At.After(since) && lasted != nil && !*lasted {
			vain = append(vain, f)
		}
	}
	return vain
}

// Last is when the last of them ended, or was found not to have lasted.
func (h FixHistory) Last() (last time.Time) {
	for _, f := range h.Fixes {
		for _, at := range []time.Time{f.At, f.AgainAt} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last
}

// Clone returns a copy that shares nothing.
func (h FixHistory) Clone() FixHistory {
	h.Fixes = slices.Clone(h.Fixes)
	return h
}

// Update makes a change, counts it, and reports whether it was one.
func (h *FixHistory) Update(change func(*FixHistory)) bool {
	before := h.Clone()
	if change(h); reflect.DeepEqual(before, *h) {
		return false
	}
	h.Version++
	return true
}

// Lasted reports whether the incident's fix helped for good; nil while that is watched,
// or where it never was.
func (i Incident) Lasted(now time.Time) *bool {
	if i.Attempt == nil || i.Attempt.WatchedUntil == nil {
		return nil
	}
	return lasted(*i.Attempt.WatchedUntil, i.Attempt.Again, now)
}

// DidNotLast records that the trouble which the fix had ended is back, as another
// incident. The status stays: nobody is asked about this incident anew.
func (i Incident) DidNotLast(again string, at, now time.Time) (Change, error) {
	a := i.Attempt
	switch {
	case a == nil || a.WatchedUntil == nil:
		return Change{}, Fail(Conflict, CodeTransition, "no fix of this incident is watched")
	case a.Again != "":
		return i.recorded(), nil
	}
	details := map[string]string{"again": again, "againAt": FormatTime(at), "fixId": i.Plan.FixID, "watchedUntil": FormatTime(*a.WatchedUntil)}
	c := i.change(now, System, EventDidNotLast, details)
	c.Incident.Attempt.Again = again
	c.Untold = true
	return c, nil
}
