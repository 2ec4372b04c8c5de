// Command execute-fix is the function that acts: it claims an approved plan's one
// attempt, applies the fix, verifies and records.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	store, err := records.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	inv, err := aws.Inventory(integration.Types{integration.Executors: integration.TypesOf(executor.List())})
	if err != nil {
		return nil, err
	}
	env, err := outside.Env(f)
	if err != nil {
		return nil, err
	}
	exec, err := executor.Open(env, executor.List())
	if err != nil {
		return nil, err
	}
	step := steps.ExecuteFix{Store: store, Executor: exec, Inventory: inv, Now: f.Now, Log: f.Log}
	return aws.Task(f.Log, step.Handle), nil
}
