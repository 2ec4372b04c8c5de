// Package records opens the DynamoDB store for a function and lets the simulated
// tracker and the web see the tickets in it: adapters do not know each other.
package records

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
)

// Open opens the table that the environment names and looks whether it is there.
func Open(ctx context.Context, f aws.Function) (*dynamo.Store, error) {
	var s dynamo.Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	store, err := dynamo.Open(f.AWS, s)
	if err != nil {
		return nil, err
	}
	f.Check(ctx, store)
	return store, nil
}

// Tickets implements simulated.Store.
type Tickets struct{ Store *dynamo.Store }

// PutTicket implements simulated.Store.
func (t Tickets) PutTicket(ctx context.Context, r simulated.Record) (simulated.Record, error) {
	stands, err := t.Store.PutTicket(ctx, dynamo.Ticket(r))
	return simulated.Record(stands), err
}

// Tickets implements simulated.Store.
func (t Tickets) Tickets(ctx context.Context, tenant string, limit int, cursor string) ([]simulated.Record, string, error) {
	page, next, err := t.Store.Tickets(ctx, tenant, limit, cursor)
	records := make([]simulated.Record, 0, len(page))
	for _, r := range page {
		records = append(records, simulated.Record(r))
	}
	return records, next, err
}
