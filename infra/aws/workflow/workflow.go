// Package workflow opens the state machine for a function.
package workflow

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/stepfn"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open opens the state machine that the environment names and looks whether it is
// there.
func Open(ctx context.Context, f aws.Function) (*stepfn.Workflow, error) {
	var s stepfn.Settings
	if err := aws.Load(&s); err != nil {
		return nil, err
	}
	w, err := stepfn.Open(f.AWS, s)
	if err != nil {
		return nil, err
	}
	f.Check(ctx, w)
	return w, nil
}

// Delivery tells waiting executions the decision that stands.
func Delivery(ctx context.Context, f aws.Function, waits steps.Waits) (steps.Delivery, error) {
	w, err := Open(ctx, f)
	return steps.Delivery{Waits: waits, Workflow: w}, err
}
