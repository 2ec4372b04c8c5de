// Command undo-fix is the function that undoes, once, a fix that did not help.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/undofix"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	step, err := undofix.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, step.Handle), nil
}
