// Package reconcile opens the step that needs nearly everything: reconcile.
package reconcile

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/createticket"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/infra/aws/workflow"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds reconcile; what it returns gives the step with the secrets of now.
func Open(ctx context.Context, f aws.Function) (func(context.Context) (steps.Reconcile, error), error) {
	store, err := records.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	w, err := workflow.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	source, err := people.Open(ctx, f, store)
	if err != nil {
		return nil, err
	}
	f.Warm(ctx, source.Channels)
	inv := source.Inventory()
	ticket, err := createticket.Open(ctx, f, store, inv, f.Warm)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (steps.Reconcile, error) {
		told, err := source.People(ctx)
		if err != nil {
			return steps.Reconcile{}, err
		}
		return steps.Reconcile{
			Store: store, Late: store, Workflow: w, Delivery: steps.Delivery{Waits: store, Workflow: w}, People: told, Ticket: ticket,
			Close: steps.LogResolution{Store: store, Lasting: &steps.Lasting{Store: store, Inventory: inv, Now: f.Now, Log: f.Log},
				People: told, Now: f.Now, Log: f.Log},
			Tenant: incident.DefaultTenant, Log: f.Log,
		}, nil
	}, nil
}
