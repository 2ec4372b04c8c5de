package dynamo

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
)

const absent = "attribute_not_exists(PK)"

// build makes the one transaction of a change. Where the change gives something
// back, it looks first at what is held: the transaction then rests on that.
func (s *Store) build(ctx context.Context, c incident.Change) (*transaction, error) {
	t := &transaction{}
	if c.FreeDedup || !c.KeepDedup.IsZero() {
		if err := s.end(ctx, t, &c); err != nil {
			return nil, err
		}
	}
	if c.Free != "" {
		if err := s.free(ctx, t, c); err != nil {
			return nil, err
		}
	}
	if c.FreeGroup != "" || c.Take != nil && c.Take.AtOnce.Group != "" {
		if err := s.places(ctx, t, c); err != nil {
			return nil, err
		}
	}
	if err := t.record(c); err != nil {
		return nil, err
	}
	t.beside(c)
	return t.in(s.table), nil
}

// end gives the fingerprint back, or limits how long it is held. Either rests on what was
// counted until now.
func (s *Store) end(ctx context.Context, t *transaction, c *incident.Change) error {
	held, err := s.holder(ctx, c.Incident.Tenant, c.Incident.Fingerprint)
	if err != nil || held.ID != c.Incident.ID {
		return err
	}
	c.Incident.Occurrences, c.Incident.LastSeenAt = held.Count, held.Seen
	const same = "incidentId = :id AND occurrences = :count AND lastSeen = :seen"
	values := item{":id": text(held.ID), ":count": number(held.Count), ":seen": millis(held.Seen)}
	k := dedupKey(c.Incident.Tenant, c.Incident.Fingerprint)
	if c.FreeDedup {
		t.delete(k, meansMoved, same, values)
		return nil
	}
	held.Until = c.KeepDedup
	t.put(with(k, held.values()), meansMoved, same, values)
	return nil
}

// free gives the target back, unless somebody took it over after the hold lapsed.
func (s *Store) free(ctx context.Context, t *transaction, c incident.Change) error {
	it, err := s.get(ctx, targetKey(c.Incident.Tenant, c.Free), true)
	if err != nil || stringOf(it, attrIncident) != c.Incident.ID {
		return err
	}
	t.delete(targetKey(c.Incident.Tenant, c.Free), meansMoved, "incidentId = :id", item{":id": text(c.Incident.ID)})
	return nil
}

// record adds the incident, under the lock of its version, and its event.
func (t *transaction) record(c incident.Change) error {
	meta, err := metaItem(c.Incident)
	if err != nil {
		return err
	}
	if c.Incident.Version == 1 {
		t.put(meta, meansVersion, absent, nil)
	} else {
		t.put(meta, meansVersion, "version = :before", item{":before": number(c.Incident.Version - 1)})
	}
	event, err := eventItem(c.Incident.Ref, c.Event)
	if err != nil {
		return err
	}
	t.put(event, meansVersion, absent, nil)
	return nil
}

// beside adds the other items of a change.
func (t *transaction) beside(c incident.Change) {
	inc := c.Incident
	if c.Evidence != nil {
		t.put(with(evidenceKey(inc.Ref), item{attrLogs: text(c.Evidence.Logs)}), meansBroken, "", nil)
	}
	if c.HoldDedup {
		d := dedup{ID: inc.ID, Count: inc.Occurrences, Seen: inc.LastSeenAt}
		if c.Evidence != nil {
			d.Says = incident.Digest(c.Evidence.Logs)
		}
		t.put(with(dedupKey(inc.Tenant, inc.Fingerprint), d.values()), meansDuplicate, absent, nil)
	}
	if c.Wait != nil {
		t.put(waitItem(*c.Wait), meansBroken, "", nil)
	}
	if c.FreeWait {
		t.delete(waitKey(inc.Ref), meansBroken, "", nil)
	}
	if c.Untold {
		t.put(with(untoldKey(inc.Ref), item{attrVersion: number(inc.Version)}), meansBroken, "", nil)
	}
	t.unless(inc.Tenant, c.Unless)
	if c.Take != nil {
		hold := item{attrIncident: text(inc.ID), attrUntil: millis(c.Take.Until)}
		t.put(with(targetKey(inc.Tenant, c.Take.Target), hold), meansBusy,
			absent+" OR incidentId = :id OR heldUntil <= :from", item{":id": text(inc.ID), ":from": millis(c.Take.From)})
	}
}
