package bolt

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
)

// A value in bucketMeta is the version (8 bytes, big endian), the status's length
// (1 byte) and text, and the incident in JSON: what Commit has to compare is
// read without decoding the rest.

func encodeMeta(inc incident.Incident) ([]byte, error) {
	body, err := json.Marshal(inc)
	if err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}
	v := make([]byte, 0, 9+len(inc.Status)+len(body))
	v = binary.BigEndian.AppendUint64(v, uint64(inc.Version))
	v = append(v, byte(len(inc.Status)))
	v = append(v, inc.Status...)
	return bucketMeta.seal.Close(key(inc.Tenant, inc.ID), append(v, body...)), nil
}

// splitMeta returns version, status and JSON; zeros for no value.
func splitMeta(v []byte) (version int64, status string, body []byte, err error) {
	if v == nil {
		return 0, "", nil, nil
	}
	if len(v) < 9 || len(v) < 9+int(v[8]) {
		return 0, "", nil, fmt.Errorf("an incident's record is damaged")
	}
	n := 9 + int(v[8])
	return int64(binary.BigEndian.Uint64(v)), string(v[9:n]), v[n:], nil
}

// dedup is the open incident of a fingerprint.
type dedup struct {
	ID       string    `json:"id"`
	Count    int64     `json:"count"`
	LastSeen time.Time `json:"lastSeen"`
	Digest   string    `json:"digest,omitempty"` // of what the last alert said
	Until    time.Time `json:"until,omitzero"`   // from then on it is not joined; zero: while it is open
}

// Load implements steps.Loader.
func (s *Store) Load(_ context.Context, ref incident.Ref) (inc incident.Incident, err error) {
	err = s.view(func(r commit.Reader) (err error) {
		inc, err = s.load(r, key(ref.Tenant, ref.ID))
		switch {
		case s.note(err):
			return damagedIncident(ref, err)
		case err == nil && inc.Version == 0:
			return notFound(ref)
		}
		return err
	})
	return inc, s.unavailable(err)
}

// load reads an incident's record, the zero value if there is none, and, while it
// holds its fingerprint, fills in what is counted beside it. The error is a badRecord.
func (s *Store) load(r commit.Reader, k []byte) (inc incident.Incident, err error) {
	_, _, body, err := meta(r, k)
	if err != nil || body == nil {
		return inc, err
	}
	if inc, err = s.decoded.incident(body); err != nil {
		return incident.Incident{}, badRecord{finding(string(bucketMeta.name), k, "it cannot be read"), err}
	}
	if inc.HoldsFingerprint() {
		var d dedup
		ok, err := bucketDedup.get(r, key(inc.Tenant, inc.Fingerprint), &d)
		if s.note(err); ok && d.ID == inc.ID {
			inc.Occurrences, inc.LastSeenAt = d.Count, d.LastSeen
		}
	}
	return inc, nil
}

// meta returns the parts of an incident's record; zeros if there is none. The error
// is a badRecord.
func meta(r commit.Reader, k []byte) (version int64, status string, body []byte, err error) {
	stored := r.Get(bucketMeta.name, k)
	if stored == nil {
		return 0, "", nil, nil
	}
	v, err := bucketMeta.value(r, k, stored)
	if err != nil {
		return 0, "", nil, err
	}
	if version, status, body, err = splitMeta(v); err != nil {
		err = badRecord{finding(string(bucketMeta.name), k, "it cannot be read"), err}
	}
	return version, status, body, err
}

// Commit implements steps.Incidents. What can be encoded beforehand is, because the
// transaction is shared and everybody in it waits.
func (s *Store) Commit(_ context.Context, c incident.Change) error {
	ready, err := encoded(c)
	if err != nil {
		return s.unavailable(err)
	}
	err = s.writer.Do(func(tx commit.Tx) error {
		status, err := s.check(tx, c)
		if err != nil {
			return err
		}
		rest, err := s.settle(tx, c, status)
		if err != nil {
			return err
		}
		for _, o := range append(rest, ready...) {
			if err := o.apply(tx); err != nil {
				return err
			}
		}
		if c.Incident.Version == 1 {
			return tx.Count(bucketMeta.name)
		}
		return nil
	})
	if err == nil && !c.FreeDedup {
		s.decoded.remember(metaText(ready), c.Incident) // the next step reads it
	}
	return s.unavailable(err)
}

// metaText is the incident's JSON among what a change writes.
func metaText(ops []op) []byte {
	for _, o := range ops {
		if o.bucket.seal == bucketMeta.seal {
			_, _, text, _ := splitMeta(dbfile.Unseal(o.value)) // it was sealed just now
			return text
		}
	}
	return nil
}

// check asks everything that a change depends on, before anything is written,
// and returns the status that the incident has now.
func (s *Store) check(r commit.Reader, c incident.Change) (status string, err error) {
	inc := c.Incident
	version, status, _, err := meta(r, key(inc.Tenant, inc.ID))
	if s.note(err) {
		return "", damagedIncident(inc.Ref, err)
	}
	if version != inc.Version-1 {
		return "", incident.Fail(incident.Conflict, incident.CodeVersion, "somebody else changed the incident; look again")
	}
	if c.HoldDedup {
		if _, ok := s.holding(r, inc.Tenant, inc.Fingerprint); ok {
			return "", incident.Fail(incident.Conflict, incident.CodeDuplicate, "an open incident has this fingerprint")
		}
	}
	if err := s.braked(r, inc.Tenant, c.Unless); err != nil {
		return "", err
	}
	if c.Take != nil {
		if err := mayBegin(r, c.Take.From); err != nil {
			return "", err
		}
		var held incident.Hold
		ok, err := bucketTargets.get(r, key(inc.Tenant, c.Take.Target), &held)
		if s.note(err) { // whether another fix runs cannot be known until a restart, which holds the target for as long as one may run
			return "", incident.Fail(incident.Conflict, incident.CodeTargetBusy, "the record of who holds this target is damaged")
		}
		if ok && held.Ref != inc.Ref && c.Take.From.Before(held.Until) {
			return "", incident.Busy(held.Ref)
		}
		if _, err := s.placed(r, *c.Take); err != nil {
			return "", err
		}
	}
	return status, nil
}

// placed is the group of a hold with the hold in it. A damaged one lets nobody in: who is
// at work in it cannot be known until a restart.
func (s *Store) placed(r commit.Reader, h incident.Hold) (incident.Places, error) {
	if h.AtOnce.Group == "" {
		return incident.Places{}, nil
	}
	places, err := s.places(r, key(h.Ref.Tenant, h.AtOnce.Key()))
	if err != nil {
		return places, incident.Fail(incident.Conflict, incident.CodeTargetBusy, "the record of who is at work in this group is damaged")
	}
	return places.Take(h)
}

// places reads who is at work in a group. After a restart it may be the hold of somebody
// who is not known (healTarget), of which Places reads until when the group is closed.
func (s *Store) places(r commit.Reader, k []byte) (places incident.Places, err error) {
	_, err = bucketTargets.get(r, k, &places)
	s.note(err)
	return places, err
}

// op is one put, or with a nil value one deletion.
type op struct {
	bucket     bucket
	key, value []byte
}

// encoded is what a change writes whatever is in the file.
func encoded(c incident.Change) (ops []op, err error) {
	inc := c.Incident
	id := key(inc.Tenant, inc.ID)
	add := func(b bucket, k []byte, v any) {
		stored, e := b.encode(k, v)
		ops, err = append(ops, op{b, k, stored}), errors.Join(err, e)
	}
	add(bucketEvents, eventKey(inc.Ref, c.Event.Seq), c.Event)
	if !c.FreeDedup { // else what was counted goes into it
		meta, e := encodeMeta(inc)
		ops, err = append(ops, op{bucketMeta, id, meta}), errors.Join(err, e)
	}
	if c.Evidence != nil {
		add(bucketEvidence, id, c.Evidence)
	}
	if c.HoldDedup {
		add(bucketDedup, key(inc.Tenant, inc.Fingerprint), dedup{ID: inc.ID, Count: inc.Occurrences, LastSeen: inc.LastSeenAt, Digest: digestOf(c.Evidence)})
	}
	if c.Wait != nil {
		add(bucketWaits, id, storedWait{c.Wait.Token.Reveal(), c.Wait.EnteredAt, c.Wait.RetryCount, c.Wait.Deadline})
	}
	if c.FreeWait {
		ops = append(ops, op{bucketWaits, id, nil})
	}
	if c.Untold {
		add(bucketUntold, id, inc.Version)
	}
	if c.Take != nil {
		add(bucketTargets, key(inc.Tenant, c.Take.Target), c.Take)
	}
	return ops, err
}

// digestOf is that of what the first alert said.
func digestOf(e *incident.Evidence) string {
	if e == nil {
		return ""
	}
	return incident.Digest(e.Logs)
}

// settle adds what depends on the file: the entry of the status, if that changed, what was counted
// beside the incident that ends, until when it is joined, and the hold, if it is still this incident's.
func (s *Store) settle(r commit.Reader, c incident.Change, oldStatus string) (ops []op, err error) {
	inc := c.Incident
	if oldStatus != string(inc.Status) {
		k := key(inc.Tenant, string(inc.Status), inc.ID)
		ops = append(ops, op{bucketStatus, k, bucketStatus.seal.Close(k, nil)})
		if oldStatus != "" {
			ops = append(ops, op{bucketStatus, key(inc.Tenant, oldStatus, inc.ID), nil})
		}
	}
	if c.FreeDedup {
		var d dedup
		k := key(inc.Tenant, inc.Fingerprint)
		ok, err := bucketDedup.get(r, k, &d)
		if ok && d.ID == inc.ID {
			inc.Occurrences, inc.LastSeenAt = d.Count, d.LastSeen
		}
		if s.note(err) || ok && d.ID == inc.ID {
			ops = append(ops, op{bucketDedup, k, nil})
		}
		meta, err := encodeMeta(inc)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op{bucketMeta, key(inc.Tenant, inc.ID), meta})
	}
	if !c.KeepDedup.IsZero() {
		var d dedup
		k := key(inc.Tenant, inc.Fingerprint)
		ok, err := bucketDedup.get(r, k, &d)
		if s.note(err) { // only this incident can have held it
			d, ok = dedup{ID: inc.ID, Count: inc.Occurrences, LastSeen: inc.LastSeenAt}, true
		}
		if ok && d.ID == inc.ID {
			d.Until = c.KeepDedup
			v, err := bucketDedup.encode(k, d)
			if err != nil {
				return nil, err
			}
			ops = append(ops, op{bucketDedup, k, v})
		}
	}
	if c.Take != nil && c.Take.AtOnce.Group != "" {
		places, err := s.placed(r, *c.Take)
		if err != nil {
			return nil, err
		}
		if ops, err = withPlaces(ops, c.Take.AtOnce.Key(), inc.Tenant, places); err != nil {
			return nil, err
		}
	}
	if c.FreeGroup != "" {
		places, err := s.places(r, key(inc.Tenant, c.FreeGroup))
		if left, had := places.Free(inc.Ref); err == nil && had {
			if ops, err = withPlaces(ops, c.FreeGroup, inc.Tenant, left); err != nil {
				return nil, err
			}
		}
	}
	if c.Free != "" {
		var held incident.Hold
		k := key(inc.Tenant, c.Free)
		ok, err := bucketTargets.get(r, k, &held)
		if s.note(err); ok && held.Ref == inc.Ref {
			ops = append(ops, op{bucketTargets, k, nil})
		}
	}
	return ops, nil
}

// withPlaces adds the writing of a group, or its deletion where nobody is at work in it.
func withPlaces(ops []op, group, tenant string, places incident.Places) ([]op, error) {
	k := key(tenant, group)
	if len(places.Holds) == 0 && places.Until.IsZero() {
		return append(ops, op{bucketTargets, k, nil}), nil
	}
	v, err := bucketTargets.encode(k, places)
	return append(ops, op{bucketTargets, k, v}), err
}

func (o op) apply(tx commit.Tx) error {
	if o.value == nil {
		return tx.Delete(o.bucket.name, o.key)
	}
	return tx.Put(o.bucket.name, o.key, o.value)
}
