// Package executor opens the executors that are built in and sends each plan to
// the one for its target's type. A plan for a type that is not built in fails
// before anything happens.
package executor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/simulated"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Settings is what the executors need; every field is required.
type Settings struct {
	Now func() time.Time
}

// executor is what each child package offers.
type executor interface {
	Run(ctx context.Context, ref incident.Ref, plan incident.Plan) incident.Result
	Verify(ctx context.Context, ref incident.Ref, plan incident.Plan) (verified bool, steps []incident.FixStep)
	Simulates() bool
}

// Set holds the executors by target type. It never changes and may be used
// concurrently.
type Set struct {
	byType map[string]executor
	now    func() time.Time
}

// Open opens every executor that is built in. It calls nobody.
func Open(s Settings) (*Set, error) {
	if s.Now == nil {
		return nil, errors.New("executor: Now is missing")
	}
	sim, err := simulated.New(simulated.Config{Now: s.Now})
	if err != nil {
		return nil, err
	}
	return &Set{byType: map[string]executor{simulated.TargetType: sim}, now: s.Now}, nil
}

// Types lists the target types that are built in, sorted.
func (s *Set) Types() []string { return slices.Sorted(maps.Keys(s.byType)) }

// Simulated reports whether every executor that is open only simulates.
func (s *Set) Simulated() bool {
	for _, e := range s.byType {
		if !e.Simulates() {
			return false
		}
	}
	return true
}

// Simulates reports whether plans for this target type are only walked through;
// false for a type that is not built in.
func (s *Set) Simulates(targetType string) bool {
	e, known := s.byType[targetType]
	return known && e.Simulates()
}

// Run sends the plan to the executor of its target's type. Without one it ends
// Failed: nothing was done, and that is certain.
func (s *Set) Run(ctx context.Context, ref incident.Ref, plan incident.Plan) incident.Result {
	e, known := s.byType[plan.Target.Type]
	if !known {
		return incident.Result{Outcome: incident.Failed, Steps: s.notBuiltIn(plan, "nothing was changed")}
	}
	return e.Run(ctx, ref, plan)
}

// Verify only looks. Without an executor for the target's type nothing can be
// seen, so it is not verified.
func (s *Set) Verify(ctx context.Context, ref incident.Ref, plan incident.Plan) (bool, []incident.FixStep) {
	e, known := s.byType[plan.Target.Type]
	if !known {
		return false, s.notBuiltIn(plan, "the target cannot be looked at")
	}
	return e.Verify(ctx, ref, plan)
}

func (s *Set) notBuiltIn(plan incident.Plan, so string) []incident.FixStep {
	return []incident.FixStep{{
		Name: "choose executor", Status: "failed", At: incident.Stamp(s.now()),
		Detail: fmt.Sprintf("no executor for the target type %q is built in (there is: %s); %s", plan.Target.Type, strings.Join(s.Types(), ", "), so),
	}}
}
