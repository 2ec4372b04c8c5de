package bolt

import (
	"bytes"
	"context"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// maxScan bounds how many records one page may look at, so that a rare service
// name makes short pages, not slow ones.
const maxScan = 5000

// List implements steps.Lister: newest first, by id. Incidents whose records are
// damaged are left out and named.
func (s *Store) List(_ context.Context, q steps.ListQuery) (steps.Page, error) {
	page := steps.Page{Incidents: []incident.Incident{}}
	listed, prefix := bucketMeta, append(key(q.Tenant), 0)
	if q.Status != "" {
		listed, prefix = bucketStatus, append(key(q.Tenant, string(q.Status)), 0)
	}
	after, err := steps.ParseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	from := after
	err = s.scan(func(tx *bbolt.Tx) error {
		c := listed.in(tx).Cursor()
		scanned := 0
		for k := last(c, prefix, after); bytes.HasPrefix(k, prefix); k, _ = c.Prev() {
			id := string(k[len(prefix):])
			if len(page.Incidents) == q.Limit || scanned == maxScan {
				page.NextCursor = steps.MakeCursor(after)
				return nil
			}
			scanned++
			if !incident.ValidID(id) { // a damaged key; it names nobody and cannot be gone on from
				continue
			}
			after = id
			inc, err := s.load(commit.Plain{Tx: tx}, key(q.Tenant, id))
			switch {
			case s.note(err):
			case err != nil:
				return err
			case inc.Version == 0:
				s.db.Damage.note(lost(string(bucketMeta.name), id, "its record is lost; there is still "+string(q.Status)+" in the lists by status"))
			case q.Service == "" || inc.Service == q.Service:
				page.Incidents = append(page.Incidents, inc)
			}
		}
		after = ""
		return nil
	})
	page.Damaged = s.damagedBetween(from, after)
	return page, s.unavailable(err)
}

// damagedBetween returns the incidents that may be missing on a page because their
// records are damaged: newest first, older than from and not older than to; "" is no
// bound.
func (s *Store) damagedBetween(from, to string) []string {
	findings, _ := s.db.Damage.Known()
	var ids []string
	for _, f := range findings {
		listed := f.Bucket == string(bucketMeta.name) || f.Bucket == string(bucketStatus.name)
		if id := f.IncidentID; listed && id != "" && (from == "" || id < from) && id >= to {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return slices.Compact(ids)
}

// last puts the cursor on the newest key of the prefix, or the newest one older
// than after.
func last(c *bbolt.Cursor, prefix []byte, after string) []byte {
	end := append(bytes.Clone(prefix), after...)
	if after == "" {
		end = append(end, 0xff)
	}
	if k, _ := c.Seek(end); k == nil {
		k, _ = c.Last()
		return k
	}
	k, _ := c.Prev()
	return k
}
