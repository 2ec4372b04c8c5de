package local

import (
	"context"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
	"github.com/opsguard/opsguard/pkg/web"
)

// tickets shows the simulated tracker's tickets to the web.
type tickets struct{ store *bolt.Store }

func (t tickets) Tickets(ctx context.Context, tenant string, limit int, cursor string) ([]web.TicketRecord, string, error) {
	page, next, err := t.store.Tickets(ctx, tenant, limit, cursor)
	views := make([]web.TicketRecord, 0, len(page))
	for _, r := range page {
		views = append(views, view(r))
	}
	return views, next, err
}

func (t tickets) Ticket(ctx context.Context, tenant, key string) (web.TicketRecord, error) {
	r, err := t.store.Ticket(ctx, tenant, key)
	return view(r), err
}

func view(r simulated.Record) web.TicketRecord {
	return web.TicketRecord{Key: r.Key, IncidentID: r.IncidentID, Title: r.Title, Body: r.Body, CreatedAt: r.CreatedAt}
}
