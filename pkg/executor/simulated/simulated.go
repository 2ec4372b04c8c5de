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
	var all []integration.Ability
	for _, fix := range catalog.All() {
		all = append(all, integration.Ability{Fix: fix.ID, Does: "walks through it and changes nothing",
			Verifies: "nothing: nothing was changed", Rights: "none"})
	}
	return integration.New(incident.SimulatedTarget, "walks through a fix step by step and changes nothing; takes any attributes", New).Can(all...)
}

// New opens the executor for any target.
func New(env integration.Env, _ map[string]string) (steps.Executor, error) {
	return &Executor{env.Now}, nil
}

// Look implements steps.Executor. There is nothing to look at.
func (e *Executor) Look(context.Context, incident.Proposal) (incident.State, error) {
	return nil, nil
}

// Plan implements steps.Executor.
func (e *Executor) Plan(_ incident.State, p incident.Proposal) (incident.Draft, error) {
	fix, known := catalog.Lookup(p.FixID)
	if !known {
		return incident.Draft{}, incident.BadField("fixId", "%q is not in the catalogue", p.FixID)
	}
	return incident.Draft{Actions: []string{"rehearse: " + strings.ToLower(fix.Title[:1]) + fix.Title[1:] + parameters(p.Parameters)},
		Undo: incident.Undo{Not: "there is nothing to undo: nothing is changed"}}, nil
}

// Act walks through the steps that the fix would take. It ends Simulated; or Failed when
// ctx ends before the last step or the plan's fix is not in the catalogue, which is
// certain because nothing is ever changed.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	fix, known := catalog.Lookup(o.Plan.FixID)
	if !known {
		return steps.Acted{Outcome: incident.Failed, Steps: []incident.FixStep{
			e.step("check target", statusFailed, "the fix is not in the catalogue; nothing was changed")}}
	}
	var done []incident.FixStep
	for _, s := range walk(fix, o.Plan) {
		if ctx.Err() != nil {
			return steps.Acted{Outcome: incident.Failed, Steps: append(done,
				e.step(s.name, statusFailed, "stopped before this step, because the time was up or the step was called off; "+nothingChanged))}
		}
		done = append(done, e.step(s.name, statusSimulated, nothingChanged+"; "+s.would))
	}
	return steps.Acted{Outcome: incident.Simulated, Steps: done}
}

// Verify is true at once: where nothing was changed, nothing is half done.
func (e *Executor) Verify(context.Context, steps.Order) (steps.Sight, error) {
	return steps.Sight{Phase: steps.Verified, Steps: []incident.FixStep{e.step("verify", statusSimulated, nothingChanged+"; there is nothing to look at")}}, nil
}

// Undo has nothing to undo.
func (e *Executor) Undo(context.Context, steps.Order) steps.Acted {
	return steps.Acted{Outcome: incident.Failed, Steps: []incident.FixStep{e.step("undo", statusSimulated, nothingChanged+"; there is nothing to undo")}}
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
