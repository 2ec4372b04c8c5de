// Package targets opens what the steps need that look at a target or change it.
package targets

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// Targets is the record, the services and the executors of their targets.
type Targets struct {
	Store     *dynamo.Store
	Inventory *inventory.Inventory
	Executors *executor.Set
	Env       integration.Env
}

// Open opens them for a function.
func Open(ctx context.Context, f aws.Function) (t Targets, err error) {
	if t.Store, err = records.Open(ctx, f); err != nil {
		return t, err
	}
	if t.Inventory, err = aws.Inventory(integration.Types{integration.Executors: integration.TypesOf(executor.List())}); err != nil {
		return t, err
	}
	if t.Env, err = outside.Env(f); err != nil {
		return t, err
	}
	t.Executors, err = executor.Open(t.Env, executor.List())
	return t, err
}
