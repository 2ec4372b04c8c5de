// Command hourly-health-check is the function that looks at the services from
// outside, and for vulnerabilities in what they are made of.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/healthcheck"
	"github.com/opsguard/opsguard/infra/aws/ingestalert"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/pkg/probe"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	ingest, memory, err := ingestalert.OpenHealth(ctx, f)
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
	scanner, err := healthcheck.Scanner(env)
	if err != nil {
		return nil, err
	}
	step := steps.HourlyHealthCheck{Inventory: ingest.Inventory, Prober: prober, Scanner: scanner, Memory: memory, Ingest: ingest, Log: f.Log}
	return aws.Scheduled(f.Log, step.Handle), nil
}
