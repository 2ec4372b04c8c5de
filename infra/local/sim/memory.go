package sim

import (
	"context"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Store is every port that a store implements.
type Store interface {
	steps.Untold
	steps.Incidents
	steps.Dedup
	steps.EvidenceReader
	steps.LatestReader
	steps.Groups
	steps.Brakes
	steps.FixHistories
	steps.Waits
	steps.Lister
	steps.Trail
}

// Memory is a store in memory that keeps the contract of the durable ones. It may
// be used concurrently.
type Memory struct {
	mu       sync.Mutex
	meta     map[incident.Ref]incident.Incident
	events   map[incident.Ref][]incident.Event
	evidence map[incident.Ref]incident.Evidence
	waits    map[incident.Ref]incident.Wait
	dedup    map[fingerprint]dedup
	targets  map[targetKey]incident.Hold
	untold   map[incident.Ref]int64
	latest   map[incident.Ref]incident.Latest
	groups   map[string]incident.Group
	brakes   map[string]incident.Brake
	fixes    map[targetKey]incident.FixHistory // by service
	places   map[targetKey]incident.Places     // by group

	// onWrite is told every change that was written, in order; nil: nobody is.
	onWrite func(incident.Change)
}

type fingerprint struct{ tenant, text string }

type targetKey struct{ tenant, target string }

// dedup is the open incident of a fingerprint.
type dedup struct {
	ref      incident.Ref
	count    int64
	lastSeen time.Time
	until    time.Time
	digest   string
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{
		meta: map[incident.Ref]incident.Incident{}, events: map[incident.Ref][]incident.Event{},
		evidence: map[incident.Ref]incident.Evidence{}, waits: map[incident.Ref]incident.Wait{},
		dedup: map[fingerprint]dedup{}, targets: map[targetKey]incident.Hold{}, untold: map[incident.Ref]int64{},
		latest: map[incident.Ref]incident.Latest{}, groups: map[string]incident.Group{},
		brakes: map[string]incident.Brake{}, fixes: map[targetKey]incident.FixHistory{}, places: map[targetKey]incident.Places{},
	}
}

// Load implements steps.Loader.
func (m *Memory) Load(_ context.Context, ref incident.Ref) (incident.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	inc, ok := m.meta[ref]
	if !ok {
		return inc, incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no incident %s", ref.ID)
	}
	return m.counted(inc), nil
}

// counted fills in what is counted beside the record while the incident is open.
func (m *Memory) counted(inc incident.Incident) incident.Incident {
	if d, ok := m.dedup[fingerprint{inc.Tenant, inc.Fingerprint}]; ok && inc.HoldsFingerprint() && d.ref == inc.Ref {
		inc.Occurrences, inc.LastSeenAt = d.count, d.lastSeen
	}
	return inc
}

// Commit implements steps.Incidents.
func (m *Memory) Commit(_ context.Context, c incident.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(c); err != nil {
		return err
	}
	m.write(c)
	if m.onWrite != nil {
		m.onWrite(c)
	}
	return nil
}

// check asks everything that a change depends on, before anything is written.
func (m *Memory) check(c incident.Change) error {
	inc := c.Incident
	if m.meta[inc.Ref].Version != inc.Version-1 {
		return incident.Fail(incident.Conflict, incident.CodeVersion, "somebody else changed the incident; look again")
	}
	if _, held := m.dedup[fingerprint{inc.Tenant, inc.Fingerprint}]; c.HoldDedup && held {
		return incident.Fail(incident.Conflict, incident.CodeDuplicate, "an open incident has this fingerprint")
	}
	if err := m.brakes[inc.Tenant].Refuses(c.Unless); err != nil {
		return err
	}
	if c.Take != nil {
		held, ok := m.targets[targetKey{inc.Tenant, c.Take.Target}]
		if ok && held.Ref != inc.Ref && c.Take.From.Before(held.Until) {
			return incident.Busy(held.Ref)
		}
		if _, err := m.placed(*c.Take); err != nil {
			return err
		}
	}
	return nil
}

// placed is the group of a hold with the hold in it; nothing for no group.
func (m *Memory) placed(h incident.Hold) (incident.Places, error) {
	if h.AtOnce.Group == "" {
		return incident.Places{}, nil
	}
	return m.places[targetKey{h.Ref.Tenant, h.AtOnce.Key()}].Take(h)
}

func (m *Memory) write(c incident.Change) {
	inc := c.Incident
	print := fingerprint{inc.Tenant, inc.Fingerprint}
	if c.FreeDedup {
		if d, ok := m.dedup[print]; ok && d.ref == inc.Ref {
			inc.Occurrences, inc.LastSeenAt = d.count, d.lastSeen
			delete(m.dedup, print)
		}
	}
	m.meta[inc.Ref] = inc
	m.putEvent(inc.Ref, c.Event)
	if c.Evidence != nil {
		m.evidence[inc.Ref] = *c.Evidence
	}
	if c.HoldDedup {
		m.dedup[print] = dedup{ref: inc.Ref, count: inc.Occurrences, lastSeen: inc.LastSeenAt, digest: incident.Digest(c.Evidence.Logs)}
	}
	if d, ok := m.dedup[print]; ok && d.ref == inc.Ref && !c.KeepDedup.IsZero() {
		d.until = c.KeepDedup
		m.dedup[print] = d
	}
	if c.Untold {
		m.untold[inc.Ref] = inc.Version
	}
	if c.Wait != nil {
		m.waits[inc.Ref] = *c.Wait
	}
	if c.FreeWait {
		delete(m.waits, inc.Ref)
	}
	if c.Take != nil {
		m.targets[targetKey{inc.Tenant, c.Take.Target}] = *c.Take
		if group := c.Take.AtOnce.Key(); group != "" {
			m.places[targetKey{inc.Tenant, group}], _ = m.placed(*c.Take)
		}
	}
	if group := (targetKey{inc.Tenant, c.FreeGroup}); c.FreeGroup != "" {
		m.places[group], _ = m.places[group].Free(inc.Ref)
	}
	key := targetKey{inc.Tenant, c.Free}
	if held, ok := m.targets[key]; c.Free != "" && ok && held.Ref == inc.Ref {
		delete(m.targets, key)
	}
}

// putEvent writes under the event's seq, as a durable store does: an event of the
// same seq is overwritten, and a missing one leaves a gap.
func (m *Memory) putEvent(ref incident.Ref, e incident.Event) {
	events := m.events[ref]
	for n, old := range events {
		if old.Seq == e.Seq {
			events[n] = e
			return
		}
	}
	m.events[ref] = append(events, e)
}
