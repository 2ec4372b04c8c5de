// Command query-incidents is the function that lets people read, and that answers
// wherever there is nothing.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/front"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	api, err := front.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	store, err := records.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	return api.Serve(front.Parts{Read: steps.QueryIncidents{Store: store, Flows: store}, Health: store, Tickets: store})
}
