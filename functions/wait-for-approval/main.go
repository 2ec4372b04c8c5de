// Command wait-for-approval is the function that freezes the plan, keeps the task
// token and tells people.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/waitforapproval"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	step, err := waitforapproval.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, func(ctx context.Context, in steps.WaitInput) (struct{}, error) {
		s, err := step(ctx)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.Handle(ctx, in)
	}), nil
}
