// Package verifyfix opens the step that looks how far a fix has come.
package verifyfix

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/targets"
	"github.com/opsguard/opsguard/pkg/probe"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds verify-fix.
func Open(ctx context.Context, f aws.Function) (steps.VerifyFix, error) {
	t, err := targets.Open(ctx, f)
	if err != nil {
		return steps.VerifyFix{}, err
	}
	prober, err := probe.Open(t.Env)
	return steps.VerifyFix{Store: t.Store, Executors: t.Executors, Inventory: t.Inventory, Prober: prober, Now: f.Now, Log: f.Log}, err
}
