// Command create-ticket is the function that settles what is open and opens the
// ticket.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/createticket"
	"github.com/opsguard/opsguard/infra/aws/records"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	store, err := records.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	inv, err := aws.Inventory(createticket.Types())
	if err != nil {
		return nil, err
	}
	step, err := createticket.Open(ctx, f, store, inv, f.Check)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, step.Handle), nil
}
