// Package workflow opens the state machine for a function.
package workflow

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/stepfn"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open opens the state machine that the environment names and looks whether it is
// there.
func Open(ctx context.Context, f aws.Function) (*stepfn.Workflow, error) {
	var s stepfn.Settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	w, err := stepfn.Open(f.AWS, s)
	if err != nil {
		return nil, err
	}
	f.Check(ctx, w)
	return w, nil
}

// Delivery tells waiting executions the decision that stands. A task token says by
// itself which execution it is of, so the function need not know the state machine.
func Delivery(f aws.Function, waits steps.Waits) steps.Delivery {
	return steps.Delivery{Waits: waits, Workflow: stepfn.OpenTasks(f.AWS)}
}
