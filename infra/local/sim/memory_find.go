package sim

import (
	"context"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Join implements steps.Dedup.
func (m *Memory) Join(_ context.Context, tenant, text string, says incident.Latest) (incident.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.dedup[fingerprint{tenant, text}]
	if !ok {
		return incident.Incident{}, incident.NobodyHolds()
	}
	if !d.until.IsZero() && !says.At.Before(d.until) {
		return m.counted(m.meta[d.ref]), incident.Lapsed()
	}
	d.count++
	if at := incident.Stamp(says.At); at.After(d.lastSeen) {
		d.lastSeen = at
	}
	if says.Digest != "" && d.digest != says.Digest {
		d.digest, m.latest[d.ref] = says.Digest, says
	}
	m.dedup[fingerprint{tenant, text}] = d
	return m.counted(m.meta[d.ref]), nil
}

// Latest implements steps.LatestReader.
func (m *Memory) Latest(_ context.Context, ref incident.Ref) (incident.Latest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.latest[ref]
	l.Digest = ""
	return l, nil
}

// Holder implements steps.Dedup.
func (m *Memory) Holder(_ context.Context, tenant, text string) (incident.Ref, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.dedup[fingerprint{tenant, text}]
	if !ok {
		return incident.Ref{}, incident.NobodyHolds()
	}
	return d.ref, nil
}

// Evidence implements steps.EvidenceReader.
func (m *Memory) Evidence(_ context.Context, ref incident.Ref) (incident.Evidence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.evidence[ref]
	if !ok {
		return e, incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no incident %s", ref.ID)
	}
	return e, nil
}

// Wait implements steps.Waits.
func (m *Memory) Wait(_ context.Context, ref incident.Ref) (incident.Wait, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait, ok := m.waits[ref]
	if !ok {
		return wait, incident.Fail(incident.NotFound, incident.CodeNotFound, "nothing waits for incident %s", ref.ID)
	}
	return wait, nil
}

// Events implements steps.Trail.
func (m *Memory) Events(_ context.Context, ref incident.Ref) ([]incident.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	events := slices.Clone(m.events[ref])
	slices.SortFunc(events, func(a, b incident.Event) int { return int(a.Seq - b.Seq) })
	return events, nil
}

// List implements steps.Lister: newest first, by id.
func (m *Memory) List(_ context.Context, q steps.ListQuery) (steps.Page, error) {
	page := steps.Page{Incidents: []incident.Incident{}}
	after, err := steps.ParseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []incident.Incident
	for ref, inc := range m.meta {
		if ref.Tenant == q.Tenant && (after == "" || ref.ID < after) &&
			(q.Status == "" || inc.Status == q.Status) && (q.Service == "" || inc.Service == q.Service) {
			all = append(all, m.counted(inc))
		}
	}
	slices.SortFunc(all, func(a, b incident.Incident) int { return strings.Compare(b.ID, a.ID) })
	if len(all) > q.Limit {
		all = all[:q.Limit]
		page.NextCursor = steps.MakeCursor(all[q.Limit-1].ID)
	}
	page.Incidents = append(page.Incidents, all...)
	return page, nil
}

// Untold implements steps.Untold.
func (m *Memory) Untold(_ context.Context, tenant, after string) ([]steps.Lag, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []steps.Lag
	for ref, version := range m.untold {
		if ref.Tenant == tenant && ref.ID > after {
			list = append(list, steps.Lag{Ref: ref, Version: version})
		}
	}
	slices.SortFunc(list, func(a, b steps.Lag) int { return strings.Compare(a.Ref.ID, b.Ref.ID) })
	return list[:min(len(list), steps.MaxUntold)], nil
}

// UpdateGroup implements steps.Groups.
func (m *Memory) UpdateGroup(_ context.Context, tenant, key string, change func(*incident.Group)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[tenant+"/"+key].Clone()
	g.Update(change)
	m.groups[tenant+"/"+key] = g
	return nil
}

// Told implements steps.Untold.
func (m *Memory) Told(_ context.Context, of steps.Lag) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.untold[of.Ref] == of.Version {
		delete(m.untold, of.Ref)
	}
	return nil
}
