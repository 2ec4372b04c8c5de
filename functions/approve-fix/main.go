// Command approve-fix is the function that takes people's decisions over HTTP.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/approvefix"
	"github.com/opsguard/opsguard/infra/aws/front"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/incident"
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
	decide, err := approvefix.Open(ctx, f, store, api.LinkKeys)
	if err != nil {
		return nil, err
	}
	// It reads too: the page that a link leads to shows the incident.
	brake := steps.KillSwitch{Store: store, Tenant: incident.DefaultTenant, Now: f.Now, Log: f.Log}
	return api.Serve(front.Parts{Decide: decide, Read: steps.QueryIncidents{Store: store}, Brake: brake})
}
