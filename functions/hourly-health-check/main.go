// Command hourly-health-check is the function that looks at the services from
// outside.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/ingestalert"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/pkg/probe"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	ingest, err := ingestalert.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	env, err := outside.Env(f)
	if err != nil {
		return nil, err
	}
	prober, err := probe.Open(env)
	if err != nil {
		return nil, err
	}
	step := steps.HourlyHealthCheck{Inventory: ingest.Inventory, Prober: prober, Ingest: ingest, Log: f.Log}
	return aws.Scheduled(f.Log, step.Handle), nil
}
