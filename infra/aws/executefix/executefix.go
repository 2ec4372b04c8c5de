// Package executefix opens the step that acts.
package executefix

import (
	"context"
	"crypto/rand"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/targets"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds execute-fix. Lambda may call it twice at once, so each call has a name.
func Open(ctx context.Context, f aws.Function) (steps.ExecuteFix, error) {
	t, err := targets.Open(ctx, f)
	return steps.ExecuteFix{Store: t.Store, Executors: t.Executors, Inventory: t.Inventory, Fixes: t.Store, NewCall: rand.Text, Now: f.Now, Log: f.Log}, err
}
