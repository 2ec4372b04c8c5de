package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
)

// holding returns what an open incident's fingerprint is counted in; false if
// nobody holds it. Where that, or the incident, is damaged, nobody does: an alert must
// not join what cannot be read, and opens a new incident.
func (s *Store) holding(r commit.Reader, tenant, fingerprint string) (d dedup, ok bool) {
	ok, err := bucketDedup.get(r, key(tenant, fingerprint), &d)
	if err != nil {
		s.note(err)
		return d, false
	}
	if !ok {
		return d, false
	}
	k := key(tenant, d.ID)
	stored := r.Get(bucketMeta.name, k)
	if stored == nil {
		s.db.Damage.note(lost(string(bucketMeta.name), d.ID, "its record is lost; there is still its fingerprint"))
		return d, false
	}
	if _, err := bucketMeta.value(r, k, stored); err != nil {
		s.note(err)
		return d, false
	}
	return d, true
}

// Join implements steps.Dedup. It looks before it writes: the first alert of a
// trouble does not wait for a group that could only say "nobody".
func (s *Store) Join(_ context.Context, tenant, fingerprint string, says incident.Latest) (inc incident.Incident, err error) {
	k := key(tenant, fingerprint)
	if !s.writer.Recent(bucketDedup.name, k) {
		err = s.view(func(r commit.Reader) error {
			if r.Get(bucketDedup.name, k) == nil {
				return incident.NobodyHolds()
			}
			return nil
		})
		if err != nil {
			return inc, s.unavailable(err)
		}
	}
	err = s.writer.Do(func(tx commit.Tx) error {
		d, ok := s.holding(tx, tenant, fingerprint)
		if !ok {
			return incident.NobodyHolds()
		}
		at := key(tenant, d.ID)
		if inc, err = s.load(tx, at); err != nil {
			return err
		}
		if !d.Until.IsZero() && !says.At.Before(d.Until) {
			return incident.Lapsed()
		}
		d.Count++
		if seen := incident.Stamp(says.At); seen.After(d.LastSeen) {
			d.LastSeen = seen
		}
		if says.Digest != "" && d.Digest != says.Digest {
			d.Digest = says.Digest
			if err := s.put(tx, bucketLatest, at, says); err != nil {
				return err
			}
		}
		inc.Occurrences, inc.LastSeenAt = d.Count, d.LastSeen
		return s.put(tx, bucketDedup, k, d)
	})
	return inc, s.unavailable(err)
}

func (s *Store) put(tx commit.Tx, b bucket, k []byte, value any) error {
	v, err := b.encode(k, value)
	if err != nil {
		return err
	}
	return tx.Put(b.name, k, v)
}

// Latest implements steps.LatestReader. A damaged one is none: the incident is shown.
func (s *Store) Latest(_ context.Context, ref incident.Ref) (l incident.Latest, err error) {
	err = s.view(func(r commit.Reader) error {
		_, err := bucketLatest.get(r, key(ref.Tenant, ref.ID), &l)
		if s.note(err) {
			l, err = incident.Latest{}, nil
		}
		return err
	})
	return l, s.unavailable(err)
}

// Holder implements steps.Dedup.
func (s *Store) Holder(_ context.Context, tenant, fingerprint string) (incident.Ref, error) {
	var d dedup
	err := s.view(func(r commit.Reader) (err error) {
		var ok bool
		if d, ok = s.holding(r, tenant, fingerprint); !ok {
			return incident.NobodyHolds()
		}
		return nil
	})
	return incident.Ref{Tenant: tenant, ID: d.ID}, s.unavailable(err)
}

// Evidence implements steps.EvidenceReader.
func (s *Store) Evidence(_ context.Context, ref incident.Ref) (e incident.Evidence, err error) {
	err = s.view(func(r commit.Reader) error {
		ok, err := bucketEvidence.get(r, key(ref.Tenant, ref.ID), &e)
		if err == nil && !ok {
			return notFound(ref)
		}
		return err
	})
	return e, s.unavailable(err)
}

// storedWait is a Wait as it lies in the file: with its token.
type storedWait struct {
	Token      string    `json:"token"`
	EnteredAt  time.Time `json:"enteredAt"`
	RetryCount int64     `json:"retryCount"`
	Deadline   time.Time `json:"deadline"`
}

// Wait implements steps.Waits.
func (s *Store) Wait(_ context.Context, ref incident.Ref) (incident.Wait, error) {
	var w storedWait
	err := s.view(func(r commit.Reader) error {
		ok, err := bucketWaits.get(r, key(ref.Tenant, ref.ID), &w)
		if err == nil && !ok {
			return incident.Fail(incident.NotFound, incident.CodeNotFound, "nothing waits for incident %s", ref.ID)
		}
		return err
	})
	return incident.Wait{Ref: ref, Token: incident.NewTaskToken(w.Token), EnteredAt: w.EnteredAt, RetryCount: w.RetryCount, Deadline: w.Deadline}, s.unavailable(err)
}

// Events implements steps.Trail.
func (s *Store) Events(_ context.Context, ref incident.Ref) ([]incident.Event, error) {
	events := []incident.Event{}
	prefix := append(key(ref.Tenant, ref.ID), 0)
	err := s.scan(func(tx *bbolt.Tx) error {
		c := bucketEvents.in(tx).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			var e incident.Event
			if text, err := bucketEvents.value(commit.Plain{Tx: tx}, k, v); s.note(err) || json.Unmarshal(text, &e) != nil {
				e = incident.Event{} // it stands where it stood, and the chain names it
			}
			events = append(events, e)
		}
		return nil
	})
	return events, s.unavailable(err)
}
