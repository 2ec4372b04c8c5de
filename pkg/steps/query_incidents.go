package steps

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Lister lists incidents, newest first. Lists may lag behind the record.
type Lister interface {
	List(ctx context.Context, q ListQuery) (Page, error)
}

// Trail reads an incident's audit events in order.
type Trail interface {
	Events(ctx context.Context, ref incident.Ref) ([]incident.Event, error)
}

// LatestReader reads what an incident's alert said last; the zero value where that is
// what it was opened with.
type LatestReader interface {
	Latest(ctx context.Context, ref incident.Ref) (incident.Latest, error)
}

// ListQuery selects incidents. Empty fields select all.
type ListQuery struct {
	Tenant  string
	Status  incident.Status
	Service string // as services.yaml spells it
	Limit   int    // 1 to 100
	Cursor  string // a Page's NextCursor; Invalid if it is not one
}

// Page is a part of a list. It may be short, even empty, while NextCursor is not.
type Page struct {
	Incidents  []incident.Incident
	NextCursor string // "" at the end
	// Damaged names incidents of this part of the list whose records are damaged: what
	// cannot be read is not among Incidents.
	Damaged []string
}

// QueryIncidents is the reading side: one incident, a list, an audit trail.
type QueryIncidents struct {
	Store interface {
		Loader
		Lister
		Trail
		LatestReader
	}
	Flows Flows // nil: what a flood holds is not told
}

// Flood returns what was folded into a flood incident in its last hour; the zero value
// for another incident.
func (s QueryIncidents) Flood(ctx context.Context, inc incident.Incident) (incident.Flow, error) {
	if s.Flows == nil || inc.Source != FloodSource {
		return incident.Flow{}, nil
	}
	return s.Flows.Flow(ctx, inc.Tenant, inc.Service)
}

// Incident returns the record, NotFound if there is none.
func (s QueryIncidents) Incident(ctx context.Context, ref incident.Ref) (incident.Incident, error) {
	return s.Store.Load(ctx, ref)
}

// Latest returns what the incident's alert said last.
func (s QueryIncidents) Latest(ctx context.Context, ref incident.Ref) (incident.Latest, error) {
	return s.Store.Latest(ctx, ref)
}

// List returns one page.
func (s QueryIncidents) List(ctx context.Context, q ListQuery) (Page, error) {
	return s.Store.List(ctx, q)
}

// maxMoved bounds how often an audit starts over because the incident moved on
// while its events were read.
const maxMoved = 20

// Audit returns the incident and its whole trail, read while the incident did not
// change: nothing is left out to make them fit, since an event beyond the
// incident's head is what a rolled back record looks like.
func (s QueryIncidents) Audit(ctx context.Context, ref incident.Ref) (incident.Incident, []incident.Event, error) {
	inc, err := s.Store.Load(ctx, ref)
	for range maxMoved {
		if err != nil {
			return inc, nil, err
		}
		events, err := s.Store.Events(ctx, ref)
		if err != nil {
			return inc, nil, err
		}
		after, err := s.Store.Load(ctx, ref)
		if err != nil {
			return inc, nil, err
		}
		if after.Version == inc.Version {
			return after, events, nil
		}
		inc = after
	}
	if err != nil {
		return inc, nil, err
	}
	return inc, nil, incident.Unavail("the incident keeps changing; ask again", nil)
}
