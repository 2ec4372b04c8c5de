// Package waitforapproval opens the step that asks people.
package waitforapproval

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/infra/aws/workflow"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds wait-for-approval; what it returns gives the step with the secrets
// of now.
func Open(ctx context.Context, f aws.Function) (func(context.Context) (Step, error), error) {
	store, err := records.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	source, err := people.Open(ctx, f, store)
	if err != nil {
		return nil, err
	}
	// If people cannot be told, this step fails at once and the incident gets its ticket,
	// instead of waiting for hours for somebody who does not know.
	f.Check(ctx, source.Channels)
	delivery := workflow.Delivery(f, store)
	return func(ctx context.Context) (Step, error) {
		told, err := source.People(ctx)
		step := steps.WaitForApproval{Store: store, Delivery: delivery, People: told, Now: f.Now, Log: f.Log}
		return Step{step, time.After}, err
	}, nil
}
