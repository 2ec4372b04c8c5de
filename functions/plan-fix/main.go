// Command plan-fix is the function that looks at the target of a proposed fix and
// freezes the plan that people are asked about.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/planfix"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	step, err := planfix.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, step.Handle), nil
}
