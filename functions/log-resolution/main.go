// Command log-resolution is the function that ends an incident.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/logresolution"
	"github.com/opsguard/opsguard/infra/aws/records"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	store, err := records.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	step, err := logresolution.Open(ctx, f, store)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, step.Handle), nil
}
