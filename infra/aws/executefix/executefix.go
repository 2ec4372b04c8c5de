// Package executefix opens the step that acts.
package executefix

import (
	"context"
	"crypto/rand"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds execute-fix. Lambda may call it twice at once, so each call has a name.
func Open(ctx context.Context, f aws.Function) (steps.ExecuteFix, error) {
	store, err := records.Open(ctx, f)
	if err != nil {
		return steps.ExecuteFix{}, err
	}
	inv, err := aws.Inventory(integration.Types{integration.Executors: integration.TypesOf(executor.List())})
	if err != nil {
		return steps.ExecuteFix{}, err
	}
	env, err := outside.Env(f)
	if err != nil {
		return steps.ExecuteFix{}, err
	}
	exec, err := executor.Open(env, executor.List())
	if err != nil {
		return steps.ExecuteFix{}, err
	}
	return steps.ExecuteFix{Store: store, Executor: exec, Inventory: inv, NewCall: rand.Text, Now: f.Now, Log: f.Log}, nil
}
