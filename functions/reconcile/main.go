// Command reconcile is the function that does every few minutes what a crash or a
// lost call left undone.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/reconcile"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	open, err := reconcile.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return aws.Scheduled(f.Log, func(ctx context.Context) (steps.ReconcileReport, error) {
		step, err := open(ctx)
		if err != nil {
			return steps.ReconcileReport{}, err
		}
		return step.Handle(ctx)
	}), nil
}
