package bolt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
)

// heal puts right what follows from records that are good, and returns what is left:
//
//   - the index of statuses, without which reconcile does not find an incident;
//   - who holds the fingerprint of an incident that holds one;
//   - who holds a target. That is not known, so it is held for as long as a fix that
//     runs somewhere may last.
func (f *File) heal(findings []Finding, now time.Time) (left []Finding, err error) {
	err = f.Update(func(tx *bbolt.Tx) error {
		left = nil
		entries := statusEntries(tx, findings)
		for _, one := range findings {
			healed := false
			var err error
			switch {
			case one.Bucket == string(bucketStatus.name) && one.IncidentID != "":
				healed, err = healStatus(tx, key(incident.DefaultTenant, one.IncidentID), entries)
			case one.Bucket == string(bucketDedup.name) && one.IncidentID != "":
				healed, err = healHolder(tx, key(incident.DefaultTenant, one.IncidentID))
			case one.Bucket == string(bucketTargets.name) && one.raw != "":
				healed, err = healTarget(tx, []byte(one.raw), now)
			}
			if err != nil {
				return err
			}
			if !healed {
				left = append(left, one)
				continue
			}
			f.Opened = append(f.Opened, "put right: "+one.String())
		}
		return nil
	})
	return left, err
}

// statusEntries finds the entries of all incidents that the index of statuses has
// wrong, by the keys of their records.
func statusEntries(tx *bbolt.Tx, findings []Finding) map[string][][]byte {
	entries := map[string][][]byte{}
	for _, f := range findings {
		if f.Bucket == string(bucketStatus.name) && f.IncidentID != "" {
			entries[string(key(incident.DefaultTenant, f.IncidentID))] = nil
		}
	}
	if len(entries) == 0 {
		return nil
	}
	c := bucketStatus.in(tx).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		ref, _, _ := splitStatusKey(k)
		if have, ok := entries[string(ref)]; ok {
			entries[string(ref)] = append(have, bytes.Clone(k))
		}
	}
	return entries
}

func healStatus(tx *bbolt.Tx, k []byte, entries map[string][][]byte) (bool, error) {
	_, status, body, err := meta(commit.Plain{Tx: tx}, k)
	if err != nil || body == nil {
		return false, nil // the record itself is damaged, or gone
	}
	index := bucketStatus.in(tx)
	for _, entry := range entries[string(k)] {
		if err := index.Delete(entry); err != nil {
			return false, err
		}
	}
	at := statusKey(k, status)
	return true, index.Put(at, bucketStatus.seal.Close(at, nil))
}

func healHolder(tx *bbolt.Tx, k []byte) (bool, error) {
	_, _, body, err := meta(commit.Plain{Tx: tx}, k)
	var inc incident.Incident
	if err != nil || body == nil || json.Unmarshal(body, &inc) != nil || !inc.HoldsFingerprint() {
		return false, nil
	}
	at := key(inc.Tenant, inc.Fingerprint)
	if v := bucketDedup.in(tx).Get(at); v != nil {
		if _, err := bucketDedup.value(commit.Plain{Tx: tx}, at, v); err == nil {
			return false, nil // a newer incident took it
		}
	}
	stored, err := bucketDedup.encode(at, healedHolder(inc))
	if err != nil {
		return false, err
	}
	return true, bucketDedup.in(tx).Put(at, stored)
}

// healedHolder is what was in the record of who holds the fingerprint, but for what was
// counted there.
func healedHolder(inc incident.Incident) dedup {
	return dedup{ID: inc.ID, Count: inc.Occurrences, LastSeen: inc.LastSeenAt, Until: inc.HeldUntil()}
}

func healTarget(tx *bbolt.Tx, k []byte, now time.Time) (bool, error) {
	tenant, target, ok := cutKey(k)
	if !ok {
		return false, nil
	}
	stored, err := bucketTargets.encode(k, incident.Hold{
		Target: string(target), Ref: incident.Ref{Tenant: string(tenant), ID: "unknown"}, From: now, Until: now.Add(holdTime),
	})
	if err != nil {
		return false, fmt.Errorf("hold the target %s: %w", target, err)
	}
	return true, bucketTargets.in(tx).Put(k, stored)
}
