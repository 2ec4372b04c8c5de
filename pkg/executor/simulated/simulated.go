// Package simulated walks through a plan without touching anything, and says so
// in every step. It is the default executor: it makes the whole way from alert to
// resolution visible before anybody trusts OpsGuard with a real target.
package simulated

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// statusSimulated is a step's status; see incident.FixStep.
const (
	statusSimulated = "simulated"
	statusFailed    = "failed"
)

const nothingChanged = "nothing was changed"

// Executor simulates. It may be used concurrently.
type Executor struct {
	now func() time.Time
}

// Integration describes the executor. It takes any attributes: it rehearses fixes
// on targets of every kind.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New(incident.SimulatedTarget, "walks through a fix step by step and changes nothing; takes any attributes", New)
}

// New opens the executor for any target.
func New(env integration.Env, _ map[string]string) (steps.Executor, error) {
	return &Executor{env.Now}, nil
}

// Run walks through the steps that the fix would take. It ends Simulated and
// verified; or Failed when ctx ends before the last step or the plan's fix is
// not in the catalogue, which is certain because nothing is ever changed.
func (e *Executor) Run(ctx context.Context, _ incident.Ref, plan incident.Plan) incident.Result {
	fix, known := catalog.Lookup(plan.FixID)
	if !known {
		return incident.Result{Outcome: incident.Failed, Steps: []incident.FixStep{
			e.step("check target", statusFailed, "the fix is not in the catalogue; nothing was changed")}}
	}
	var done []incident.FixStep
	for _, s := range walk(fix, plan) {
		if ctx.Err() != nil {
			return incident.Result{Outcome: incident.Failed, Steps: append(done,
				e.step(s.name, statusFailed, "stopped before this step, because the time was up or the step was called off; "+nothingChanged))}
		}
		done = append(done, e.step(s.name, statusSimulated, nothingChanged+"; "+s.would))
	}
	return incident.Result{Outcome: incident.Simulated, Verified: true, Steps: done}
}

// Verify is true at once: where nothing was changed, nothing is half done.
func (e *Executor) Verify(context.Context, incident.Ref, incident.Plan) (bool, []incident.FixStep) {
	return true, []incident.FixStep{e.step("verify", statusSimulated, nothingChanged+"; there is nothing to look at")}
}

func (e *Executor) step(name, status, detail string) incident.FixStep {
	return incident.FixStep{Name: name, Status: status, Detail: detail, At: incident.Stamp(e.now())}
}

// move is one step: its name and what a real executor would do in it.
type move struct {
	name, would string
}

// walk is the order every real fix keeps too: look, note what is there, act,
// wait, look again.
func walk(fix catalog.Fix, plan incident.Plan) []move {
	target := plan.Target.Key()
	return []move{
		{"check target", fmt.Sprintf("a real executor would look whether %s exists and nobody else works on it", target)},
		{"take snapshot", fmt.Sprintf("a real executor would note the present state of %s", target)},
		{fix.ID, fmt.Sprintf("a real executor would do this: %s%s", fix.Title, parameters(plan.Parameters))},
		{"wait for health", "a real executor would wait until the service is well again"},
		{"verify", "a real executor would check that " + fix.Verification},
	}
}

func parameters(values map[string]string) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(values)) {
		sep := ", "
		if i == 0 {
			sep = " with "
		}
		b.WriteString(sep + name + "=" + values[name])
	}
	return b.String()
}
