// Package executor lists the executors that apply fixes and sends each plan to the
// one for its target's type. Each is a folder below; adding one is a line in List.
package executor

import (
	"context"
	"fmt"

	"github.com/opsguard/opsguard/pkg/executor/simulated"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// List is every executor that is built in. An executor's settings are the
// attributes of a target in services.yaml; it is opened for one target at a time.
func List() []integration.Descriptor[steps.Executor] {
	return []integration.Descriptor[steps.Executor]{
		simulated.Integration(),
	}
}

// Set applies each plan by the executor of its target's type. It never changes and
// may be used concurrently.
type Set struct {
	env  integration.Env
	list []integration.Descriptor[steps.Executor]
}

// Open refuses an Env or a list that cannot serve. It calls nobody.
func Open(env integration.Env, list []integration.Descriptor[steps.Executor]) (*Set, error) {
	if _, err := integration.Open(env, integration.Executors, list, nil); err != nil {
		return nil, err
	}
	return &Set{env, list}, nil
}

// Run opens the executor of the plan's target and lets it act. If there is none,
// or it refuses the target's attributes, the result is Failed: nothing was done,
// and that is certain.
func (s *Set) Run(ctx context.Context, ref incident.Ref, plan incident.Plan) incident.Result {
	e, err := s.of(plan.Target)
	if err != nil {
		return incident.Result{Outcome: incident.Failed, Steps: s.refused(err, "nothing was changed")}
	}
	return e.Run(ctx, ref, plan)
}

// Verify only looks. Without an executor for the target it cannot see anything, so
// the fix is not verified.
func (s *Set) Verify(ctx context.Context, ref incident.Ref, plan incident.Plan) (bool, []incident.FixStep) {
	e, err := s.of(plan.Target)
	if err != nil {
		return false, s.refused(err, "the target cannot be looked at")
	}
	return e.Verify(ctx, ref, plan)
}

// of opens the executor for a target, by the target that the plan froze.
func (s *Set) of(t incident.Target) (steps.Executor, error) {
	entry := integration.Entry{Name: t.Service, Type: t.Type}
	for name, value := range t.Attributes {
		entry.Settings = append(entry.Settings, integration.Setting{Name: name, Value: integration.Value{Text: value}})
	}
	opened, err := integration.Open(s.env, integration.Executors, s.list, []integration.Entry{entry})
	if err != nil {
		return nil, err
	}
	return opened[0].It, nil
}

func (s *Set) refused(err error, so string) []incident.FixStep {
	return []incident.FixStep{{
		Name: "choose executor", Status: "failed", At: incident.Stamp(s.env.Now()), Detail: fmt.Sprintf("%s; %s", err, so),
	}}
}
