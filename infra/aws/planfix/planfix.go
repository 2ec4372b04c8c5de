// Package planfix opens the step that looks at a target and freezes the plan.
package planfix

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/targets"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds plan-fix.
func Open(ctx context.Context, f aws.Function) (steps.PlanFix, error) {
	t, err := targets.Open(ctx, f)
	lasting := &steps.Lasting{Store: t.Store, Inventory: t.Inventory, Now: f.Now, Log: f.Log}
	return steps.PlanFix{Store: t.Store, Executors: t.Executors, Inventory: t.Inventory, Lasting: lasting, Now: f.Now, Log: f.Log}, err
}
