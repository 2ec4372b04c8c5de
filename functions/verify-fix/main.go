// Command verify-fix is the function that looks how far a fix has come, and changes
// nothing.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/verifyfix"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	step, err := verifyfix.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, step.Handle), nil
}
