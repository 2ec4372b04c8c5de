// Package createticket opens the step that opens an incident's ticket. By then a
// decision stands, so the ticket's link only shows: the step needs no key.
package createticket

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/infra/aws/viewer"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket"
)

// Types is what services.yaml is held to by a function that opens tickets.
func Types() integration.Types {
	return integration.Types{integration.Trackers: integration.TypesOf(ticket.List())}
}

// Open binds create-ticket. look says what a tracker that cannot work means to the
// function: Function.Check or Function.Warm.
func Open(ctx context.Context, f aws.Function, store *dynamo.Store, inv *inventory.Inventory, look func(context.Context, aws.Checker)) (steps.CreateTicket, error) {
	view, err := viewer.Open()
	if err != nil {
		return steps.CreateTicket{}, err
	}
	env, err := outside.Env(f)
	if err != nil {
		return steps.CreateTicket{}, err
	}
	env.PublicURL, env.Tickets = view.URL.String(), store
	opened, err := ticket.Open(env, inv.Entries(integration.Trackers))
	if err != nil {
		return steps.CreateTicket{}, err
	}
	for _, o := range opened {
		look(ctx, o)
	}
	return steps.CreateTicket{Store: store, Inventory: inv, Trackers: integration.Items(opened), Links: view, Now: f.Now, Log: f.Log}, nil
}
