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
	v, err := bucketTickets.encode(k, t)
	if err != nil {
		return t, s.unavailable(err)
	}
	err = s.writer.Do(func(tx commit.Tx) error {
		var there incident.Ticket
		ok, err := bucketTickets.get(tx, k, &there)
		if s.note(err); ok { // a damaged one is opened again
			t = there
			return nil
		}
		return tx.Put(bucketTickets.name, k, v)
	})
	return t, s.unavailable(err)
}

// ReplaceTicket implements integration.Tickets.
func (s *Store) ReplaceTicket(_ context.Context, t incident.Ticket) error {
	k := key(t.Tenant, t.Key)
	return s.unavailable(s.writer.Do(func(tx commit.Tx) error {
		var there incident.Ticket
		ok, err := bucketTickets.get(tx, k, &there)
		if s.note(err); !ok && err == nil {
			return nil
		}
		t.CreatedAt = there.CreatedAt
		v, err := bucketTickets.encode(k, t)
		if err != nil {
			return err
		}
		return tx.Put(bucketTickets.name, k, v)
	}))
}

// Ticket returns one simulated ticket, NotFound if there is none.
func (s *Store) Ticket(_ context.Context, tenant, ticketKey string) (t incident.Ticket, err error) {
	err = s.view(func(r commit.Reader) error {
		ok, err := bucketTickets.get(r, key(tenant, ticketKey), &t)
		if err == nil && !ok {
			return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no ticket of that key")
		}
		return err
	})
	return t, s.unavailable(err)
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
	err = s.scan(func(tx *bbolt.Tx) error {
		c := bucketTickets.in(tx).Cursor()
		at := string(after)
		for k := last(c, prefix, at); bytes.HasPrefix(k, prefix); k, _ = c.Prev() {
			if len(page) == limit {
				next = base64.RawURLEncoding.EncodeToString([]byte(at))
				return nil
			}
			var t incident.Ticket
			at = string(k[len(prefix):])
			if _, err := bucketTickets.get(commit.Plain{Tx: tx}, k, &t); err == nil {
				page = append(page, t)
			} else if !s.note(err) {
				return err
			}
		}
		return nil
	})
	return page, next, s.unavailable(err)
}
