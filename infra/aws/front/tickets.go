package front

import (
	"context"

	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/web"
)

// Tickets shows the simulated tracker's tickets to the web.
type Tickets struct{ Store *dynamo.Store }

// Tickets implements web.Tickets.
func (t Tickets) Tickets(ctx context.Context, tenant string, limit int, cursor string) ([]web.TicketRecord, string, error) {
	page, next, err := t.Store.Tickets(ctx, tenant, limit, cursor)
	views := make([]web.TicketRecord, 0, len(page))
	for _, r := range page {
		views = append(views, view(r))
	}
	return views, next, err
}

// Ticket implements web.Tickets.
func (t Tickets) Ticket(ctx context.Context, tenant, key string) (web.TicketRecord, error) {
	r, err := t.Store.Ticket(ctx, tenant, key)
	return view(r), err
}

func view(r dynamo.Ticket) web.TicketRecord {
	return web.TicketRecord{Key: r.Key, IncidentID: r.IncidentID, Title: r.Title, Body: r.Body, CreatedAt: r.CreatedAt}
}
