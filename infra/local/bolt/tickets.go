package bolt

import (
	"bytes"
	"context"
	"encoding/base64"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
)

// PutTicket implements simulated.Store.
func (s *Store) PutTicket(_ context.Context, t simulated.Record) (simulated.Record, error) {
	k := key(t.Tenant, t.Key)
	v, err := encode(t)
	if err != nil {
		return t, unavailable(err)
	}
	err = s.writer.Do(func(tx *bbolt.Tx) error {
		if ok, err := get(tx, bucketTickets, k, &t); ok || err != nil {
			return err
		}
		if err := tx.Bucket(bucketTickets).Put(k, v); err != nil {
			return commit.Abort(err)
		}
		return nil
	})
	return t, unavailable(err)
}

// Ticket returns one simulated ticket, NotFound if there is none.
func (s *Store) Ticket(_ context.Context, tenant, ticketKey string) (t simulated.Record, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		ok, err := get(tx, bucketTickets, key(tenant, ticketKey), &t)
		if err == nil && !ok {
			return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no ticket of that key")
		}
		return err
	})
	return t, unavailable(err)
}

// Tickets implements simulated.Store: newest key first.
func (s *Store) Tickets(_ context.Context, tenant string, limit int, cursor string) (page []simulated.Record, next string, err error) {
	page = []simulated.Record{}
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || bytes.IndexByte(after, 0) >= 0 {
		return nil, "", steps.BadCursor()
	}
	prefix := append(key(tenant), 0)
	err = s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketTickets).Cursor()
		at := string(after)
		for k := last(c, prefix, at); bytes.HasPrefix(k, prefix); k, _ = c.Prev() {
			if len(page) == limit {
				next = base64.RawURLEncoding.EncodeToString([]byte(at))
				return nil
			}
			var t simulated.Record
			if _, err := get(tx, bucketTickets, k, &t); err != nil {
				return err
			}
			page = append(page, t)
			at = t.Key
		}
		return nil
	})
	return page, next, unavailable(err)
}
