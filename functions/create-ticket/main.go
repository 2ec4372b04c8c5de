// Command create-ticket is the function that settles what is open and opens the
// ticket.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/closing"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	store, err := records.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	open, err := closing.Tickets(ctx, f, store)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, func(ctx context.Context, in steps.CreateTicketInput) (steps.CreateTicketOutput, error) {
		step, err := open(ctx)
		if err != nil {
			return steps.CreateTicketOutput{}, err
		}
		return step.Handle(ctx, in)
	}), nil
}
