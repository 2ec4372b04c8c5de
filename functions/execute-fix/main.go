// Command execute-fix is the function that acts: it claims an approved plan's one
// attempt, applies the fix, verifies and records.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/executefix"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	step, err := executefix.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, step.Handle), nil
}
