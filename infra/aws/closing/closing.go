// Package closing opens the step that opens tickets.
package closing

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket"
)

// Tickets binds create-ticket; what it returns gives the step with the link keys
// of now.
func Tickets(ctx context.Context, f aws.Function, store *dynamo.Store) (func(context.Context) (steps.CreateTicket, error), error) {
	source, err := people.Open(ctx, f, store)
	if err != nil {
		return nil, err
	}
	return With(f, store, source)
}

// With is Tickets for a function that tells people too.
func With(f aws.Function, store *dynamo.Store, source *people.Source) (func(context.Context) (steps.CreateTicket, error), error) {
	var s people.Settings
	if err := aws.Load(&s); err != nil {
		return nil, err
	}
	tracker, err := ticket.Open(ticket.Settings{PublicURL: s.PublicURL, Now: f.Now}, records.Tickets{Store: store})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (steps.CreateTicket, error) {
		links, err := source.Links(ctx)
		return steps.CreateTicket{Store: store, Tracker: tracker, Links: links, Now: f.Now, Log: f.Log}, err
	}, nil
}
