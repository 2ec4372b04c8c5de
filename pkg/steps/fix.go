package steps

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// FixProgress is how far a fix has come: what execute-fix, verify-fix and undo-fix answer.
type FixProgress struct {
	Outcome  incident.Outcome `json:"outcome"` // "" while it settles
	Verified bool             `json:"verified"`
	// Settled: nothing is to be waited for.
	Settled bool `json:"settled"`
	// Undo: it did not help, and the plan that was approved says how it is undone.
	Undo bool `json:"undo"`
	// WaitSeconds is after how long to look again.
	WaitSeconds int `json:"waitSeconds"`
}

// progress reads from the record how far the fix has come.
func progress(inc incident.Incident, now time.Time) FixProgress {
	if inc.Settling() {
		return FixProgress{WaitSeconds: nextLook(now.Sub(inc.SettleSince()))}
	}
	return FixProgress{Outcome: inc.Attempt.Outcome, Verified: inc.Attempt.Verified, Settled: true, Undo: inc.MayUndo(now), WaitSeconds: 1}
}

// nextLook is after how many seconds to look again at what settles so long already: soon
// at first, because most fixes take seconds, and then seldom: an hour costs 270 looks.
func nextLook(since time.Duration) int {
	switch {
	case since < 5*time.Second:
		return 1
	case since < 20*time.Second:
		return 2
	case since < 2*time.Minute:
		return 5
	}
	return 15
}

// order is what an executor needs to know of the incident's fix, or of its undoing.
func order(inc incident.Incident) Order {
	a := inc.Attempt
	o := Order{Ref: inc.Ref, Plan: *inc.Plan, Key: inc.Plan.Key(inc.Ref, false), StartedAt: a.StartedAt, Receipt: a.Receipt, Fix: a.Receipt}
	if inc.Decision != nil {
		o.By = inc.Decision.By
	}
	acted := a.ActedAt
	if u := a.Undoing; u != nil {
		o.Undoing, o.Key, o.StartedAt, o.Receipt = true, inc.Plan.Key(inc.Ref, true), u.StartedAt, u.Receipt
		acted = u.ActedAt
	}
	if acted != nil {
		o.ActedAt = *acted
	}
	return o
}

// resolve builds a plan against what services.yaml and the catalogue say now.
func resolve(inv *inventory.Inventory, inc incident.Incident, p incident.Proposal) (incident.Plan, error) {
	svc, known := inv.Lookup(inc.Service)
	if !known {
		return incident.Plan{}, incident.BadField("service", "%q is not listed in services.yaml", inc.Service)
	}
	plan, err := catalog.Build(inc.Ref, svc.Fixes, svc.Target, p)
	if err != nil {
		return plan, err
	}
	plan.Terms = inv.TermsOf(svc, plan.FixID)
	return plan.Freeze(inc.Ref), nil
}

// draft looks at the target and completes a plan with what its executor would do there
// now. It changes nothing. The plan that it returns is frozen.
func draft(ctx context.Context, executors Executors, ref incident.Ref, bare incident.Plan) (incident.Plan, error) {
	exec, err := executors.For(bare.Target)
	if err != nil {
		return bare, err
	}
	return draftBy(ctx, exec, executors, ref, bare)
}

// draftBy is draft by the target's executor, which is open already.
func draftBy(ctx context.Context, exec Executor, executors Executors, ref incident.Ref, bare incident.Plan) (incident.Plan, error) {
	digest, err := executors.Digest(bare.Target, bare.FixID)
	if err != nil {
		return bare, err
	}
	present, err := exec.Look(ctx, bare.Proposal())
	if err != nil {
		return bare, err
	}
	d, err := exec.Plan(present, bare.Proposal())
	if err != nil {
		return bare, err
	}
	return bare.With(d, digest).Freeze(ref), nil
}

// differences names in which facts two plans differ, for people.
func differences(was, is incident.Plan) string {
	for _, name := range slices.Sorted(maps.Keys(union(was.Present, is.Present))) {
		if was.Present[name] != is.Present[name] {
			return fmt.Sprintf("%s was %q when the plan was made and is %q now", name, was.Present[name], is.Present[name])
		}
	}
	return "what the fix would do is no longer what was approved"
}

// healthOf is the service whose health decides, beside its platform, whether the fix
// worked; false where none does.
func healthOf(inv *inventory.Inventory, inc incident.Incident) (inventory.Service, bool) {
	svc, known := inv.Lookup(inc.Service)
	return svc, known && svc.Health != nil && !inc.Plan.Simulated()
}

func union(a, b incident.State) map[string]bool {
	all := map[string]bool{}
	for _, s := range []incident.State{a, b} {
		for name := range s {
			all[name] = true
		}
	}
	return all
}
