// Package workflow opens the state machine for a function.
package workflow

import (
	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/stepfn"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open opens the state machine that the environment names.
func Open(f aws.Function) (*stepfn.Workflow, error) {
	var s stepfn.Settings
	if err := aws.Load(&s); err != nil {
		return nil, err
	}
	return stepfn.Open(f.AWS, s)
}

// Delivery tells waiting executions the decision that stands.
func Delivery(f aws.Function, waits steps.Waits) (steps.Delivery, error) {
	w, err := Open(f)
	return steps.Delivery{Waits: waits, Workflow: w}, err
}
