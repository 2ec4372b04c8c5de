package incident

import "time"

const (
	// heldFor is how long an escalated incident keeps its fingerprint: until then the same
	// trouble is counted there and wakes nobody again.
	heldFor = 24 * time.Hour
	// floodHeldFor is the same for a flood incident, which is many troubles: those of
	// another flood, later, are news.
	floodHeldFor = time.Hour
	// recurEvery is how often at most it is recorded that the trouble goes on.
	recurEvery = time.Hour
	// seenAfter is how long after an escalation a person who resolves is taken for somebody
	// who has not seen it yet.
	seenAfter = 5 * time.Second
)

// HoldsFingerprint reports whether the incident holds its fingerprint: repeated alerts are counted
// in it, beside the record.
func (i Incident) HoldsFingerprint() bool {
	return i.Open() || i.Status == Escalated && i.EscalatedAt != nil && !i.Released
}

// HeldUntil is until when an escalated incident is joined; zero for an open one.
func (i Incident) HeldUntil() time.Time {
	if i.EscalatedAt == nil {
		return time.Time{}
	}
	if i.Fingerprint == FloodFingerprint(i.Tenant, i.Service) {
		return i.EscalatedAt.Add(floodHeldFor)
	}
	return i.EscalatedAt.Add(heldFor)
}

// Lapsed reports whether the incident was escalated so long ago that the same trouble
// is to open another one.
func (i Incident) Lapsed(now time.Time) bool {
	return i.Status == Escalated && i.HoldsFingerprint() && !now.Before(i.HeldUntil())
}

// Release gives the fingerprint of a lapsed incident back.
func (i Incident) Release(now time.Time) (Change, error) {
	if !i.Lapsed(now) {
		return i.recorded(), nil
	}
	c := i.change(now, System, EventReleased, map[string]string{"escalatedAt": FormatTime(*i.EscalatedAt)})
	c.Incident.Released, c.FreeDedup = true, true
	return c, nil
}

// Recur records that an alert of an escalated incident's trouble came again, once an
// hour at most, and has its ticket told. People are not asked anew.
func (i Incident) Recur(by Actor, now time.Time) (Change, error) {
	if i.Status != Escalated || !i.HoldsFingerprint() || i.RecurredAt != nil && now.Before(i.RecurredAt.Add(recurEvery)) {
		return i.recorded(), nil
	}
	c := i.change(now, by, EventRecurred, nil)
	at := c.Incident.UpdatedAt
	c.Incident.RecurredAt, c.Untold = &at, true
	return c, nil
}

// MayBeResolved reports whether a person may resolve the incident although it was
// escalated: not in the first seconds, when they may still mean the open incident.
func (i Incident) MayBeResolved(now time.Time) bool {
	return i.Status == Escalated && (i.EscalatedAt == nil || !now.Before(i.EscalatedAt.Add(seenAfter)))
}

// ResolveEscalated resolves an incident that was escalated: by a person, or because its source
// reports the trouble over. It gives the fingerprint back. The decision that led to the
// escalation stands in the record as it was.
func (i Incident) ResolveEscalated(by Actor, note string, now time.Time) (Change, error) {
	if i.Resolution != nil {
		return i.recorded(), nil
	}
	if i.Status != Escalated {
		return Change{}, badTransition(i.Status, Resolved)
	}
	c := i.change(now, by, EventResolved, map[string]string{"after": string(i.Status), "note": note})
	if err := c.become(Resolved); err != nil {
		return Change{}, err
	}
	at := c.Incident.UpdatedAt
	c.Incident.Resolution = &Resolution{By: by, At: at, Note: note}
	if by == SourceActor(i.Source) {
		c.Incident.RecoveredAt = &at
	}
	c.FreeDedup, c.Untold = i.HoldsFingerprint(), true
	return c, nil
}
