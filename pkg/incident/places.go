package incident

import (
	"slices"
	"time"
)

// AtOnce says that of the services of a group at most Max are worked on at once. The zero
// value says nothing: the service is in no group.
type AtOnce struct {
	Group string `json:"group"`
	Max   int    `json:"max"`
	Of    int    `json:"of"` // how many services the group has
}

// Key is the group's name among those of targets, which no target has: theirs begin with
// a type, and no type holds a colon. "" for no group.
func (a AtOnce) Key() string {
	if a.Group == "" {
		return ""
	}
	return "group:" + a.Group
}

// Places is whose fixes hold targets of a group. A store keeps it under the group's key
// and changes it in the transaction that takes the target, or gives it back. The zero
// value is a group at which nobody works.
type Places struct {
	Version int64  `json:"version"` // counts changes, for stores that need a lock
	Holds   []Hold `json:"holds"`   // those that came first, first; at most AtOnce.Max that have not lapsed
	// Until is until when nobody is let in, because it was lost who holds a place; zero
	// where nothing was lost.
	Until time.Time `json:"until,omitzero"`
}

// Take lets a hold into its group, or keeps the place that it has. Busy, with
// CodeTargetBusy and the group, where there is no place at that time.
func (p Places) Take(h Hold) (Places, error) {
	next := Places{Version: p.Version + 1, Until: p.Until}
	own := false
	for _, old := range p.Holds {
		switch lapsed := !h.From.Before(old.Until); {
		case old.Ref == h.Ref && !lapsed:
			own = true
			next.Holds = append(next.Holds, h)
		case old.Ref != h.Ref && !lapsed:
			next.Holds = append(next.Holds, old)
		}
	}
	switch {
	case own: // whatever the limit is now: it was let in
		return next, nil
	case h.From.Before(p.Until):
		return p, Fail(Conflict, CodeTargetBusy, "the record of who is at work in the group %s was lost; nobody is let in until %s",
			h.AtOnce.Group, FormatTime(p.Until))
	case len(next.Holds) >= h.AtOnce.Max:
		return p, Full(h.AtOnce, next.Holds)
	}
	next.Holds = append(next.Holds, h)
	return next, nil
}

// Free gives an incident's place back; false if it has none.
func (p Places) Free(ref Ref) (Places, bool) {
	left := slices.DeleteFunc(slices.Clone(p.Holds), func(h Hold) bool { return h.Ref == ref })
	return Places{Version: p.Version + 1, Holds: left, Until: p.Until}, len(left) < len(p.Holds)
}

// Full is a store's answer to a Change that takes a target in a group that has no place.
func Full(at AtOnce, holds []Hold) *Error {
	e := Fail(Conflict, CodeTargetBusy, "the group %s has no place: at most %d of %d at once", at.Group, at.Max, at.Of)
	e.Group = at.Group
	if len(holds) > 0 {
		e.Holder = holds[0].Ref.ID
		e.Message += ", and the fix of " + e.Holder + " came first"
	}
	return e
}
