package stepstest

import (
	"net/http/httptest"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// OpenExecutor opens an executor against its vendor, for the executor's own tests. change
// may alter the settings; nil leaves them.
func OpenExecutor(t *testing.T, d integration.Descriptor[steps.Executor], v Vendor, change func(env *integration.Env,
	settings *[]integration.Setting)) steps.Executor {
	t.Helper()
	server := httptest.NewServer(v.Handler)
	t.Cleanup(server.Close)
	settings, secrets := v.Entry(server.URL)
	env := Env(secrets)
	if v.World != nil {
		v.World(&env)
	}
	if change != nil {
		change(&env, &settings)
	}
	return Open(t, env, integration.Executors, d, settings...).It
}

// Order plans a fix against the target as it is now.
func Order(t *testing.T, d integration.Descriptor[steps.Executor], it steps.Executor, p incident.Proposal) steps.Order {
	t.Helper()
	return (&fixRig{Fix: Fix{Proposal: p}, d: d}).order(t, it)
}

// Act does a fix, which the target must take, and puts its receipt into the order.
func Act(t *testing.T, it steps.Executor, o *steps.Order) steps.Acted {
	t.Helper()
	acted := it.Act(t.Context(), *o)
	if acted.Outcome != "" {
		t.Fatalf("Act ended %q: %+v", acted.Outcome, acted.Steps)
	}
	o.Receipt, o.Fix = acted.Receipt, acted.Receipt
	return acted
}

// Undoing is the order to undo a fix that was acted.
func Undoing(o steps.Order, fix steps.Acted) steps.Order {
	o.Fix, o.Receipt, o.Undoing, o.Key = fix.Receipt, nil, true, o.Plan.Key(AboutFix(), true)
	return o
}
