// Command analyze is the function that finds the probable cause. It alone links
// the Gemini client.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/analyze"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/steps"
)

func main() { aws.Main(build) }

func build(ctx context.Context, f aws.Function) (lambda.Handler, error) {
	store, err := records.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	model, err := analyze.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	inv, err := aws.Inventory(nil)
	if err != nil {
		return nil, err
	}
	return aws.Task(f.Log, steps.Analyze{Store: store, Analyst: model, Inventory: inv, Now: f.Now, Log: f.Log}.Handle), nil
}
