package bolt

import (
	"bytes"
	"context"
	"encoding/base64"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// PutTicket implements integration.Tickets.
func (s *Store) PutTicket(_ context.Context, t incident.Ticket) (incident.Ticket, error) {
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
func (s *Store) Ticket(_ context.Context, tenant, ticketKey string) (t incident.Ticket, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		ok, err := get(tx, bucketTickets, key(tenant, ticketKey), &t)
		if err == nil && !ok {
			return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no ticket of that key")
		}
		return err
	})
	return t, unavailable(err)
}

// Tickets lists a tenant's tickets, newest key first, at most limit; next is the
// cursor of the page that follows, "" after the last.
func (s *Store) Tickets(_ context.Context, tenant string, limit int, cursor string) (page []incident.Ticket, next string, err error) {
	page = []incident.Ticket{}
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
			var t incident.Ticket
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
