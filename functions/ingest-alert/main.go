// Command ingest-alert is the function that takes alerts, over HTTP and from AWS itself.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/front"
	"github.com/opsguard/opsguard/infra/aws/ingestalert"
	"github.com/opsguard/opsguard/infra/aws/receivealerts"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	api, err := front.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	ingest, err := ingestalert.OpenBounded(ctx, f)
	if err != nil {
		return nil, err
	}
	receive, env, err := receivealerts.Open(ctx, f, ingest)
	if err != nil {
		return nil, err
	}
	served, err := api.Serve(front.Parts{Ingest: ingest, Receive: receive})
	if err != nil {
		return nil, err
	}
	return receivealerts.Direct(f, env, receive, served)
}
