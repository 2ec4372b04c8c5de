package bolt

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// maxScan bounds how many records one page may look at, so that a rare service
// name makes short pages, not slow ones.
const maxScan = 5000

// List implements steps.Lister: newest first, by id.
func (s *Store) List(_ context.Context, q steps.ListQuery) (steps.Page, error) {
	page := steps.Page{Incidents: []incident.Incident{}}
	bucket, prefix := bucketMeta, append(key(q.Tenant), 0)
	if q.Status != "" {
		bucket, prefix = bucketStatus, append(key(q.Tenant, string(q.Status)), 0)
	}
	after, err := steps.ParseCursor(q.Cursor)
	if err != nil {
		return page, err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		c := tx.Bucket(bucket).Cursor()
		scanned := 0
		for k := last(c, prefix, after); bytes.HasPrefix(k, prefix); k, _ = c.Prev() {
			id := string(k[len(prefix):])
			if len(page.Incidents) == q.Limit || scanned == maxScan {
				page.NextCursor = steps.MakeCursor(after)
				return nil
			}
			scanned++
			after = id
			inc, err := s.load(tx, meta.Get(key(q.Tenant, id)))
			if err != nil {
				return err
			}
			if q.Service == "" || inc.Service == q.Service {
				page.Incidents = append(page.Incidents, inc)
			}
		}
		return nil
	})
	return page, unavailable(err)
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
