package stepstest

import (
	"context"
	"slices"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// ExecutorContract holds an executor to what execute-fix rests on. plan is one
// that it can apply to the target that v describes. effects tells how often the
// target was changed; nil where nothing is ever changed.
func ExecutorContract(t *testing.T, d integration.Descriptor[steps.Executor], v Vendor, plan incident.Plan, effects func() int) {
	promisesOfADescriptor(t, integration.Executors, d.Type, v)
	about := incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JDEF0000000000000000WA1T"}
	changed := func() int {
		if effects == nil {
			return 0
		}
		return effects()
	}
	t.Run("looking changes nothing", func(t *testing.T) {
		o, before := open(t, integration.Executors, d, v), changed()
		_, seen := o.It.Verify(t.Context(), about, plan)
		wellTold(t, seen)
		if changed() != before {
			t.Error("Verify changed the target")
		}
	})
	t.Run("it acts once and says how it ended", func(t *testing.T) {
		o, before := open(t, integration.Executors, d, v), changed()
		result := o.It.Run(t.Context(), about, plan)
		wellTold(t, result.Steps)
		want := incident.Fixed
		if plan.Simulated() {
			want = incident.Simulated
		}
		if result.Outcome != want {
			t.Errorf("it ended %s, want %s", result.Outcome, want)
		}
		if effects != nil && changed() != before+1 {
			t.Errorf("the target was changed %d times", changed()-before)
		}
	})
	t.Run("it begins nothing after its time is up", func(t *testing.T) {
		o, before := open(t, integration.Executors, d, v), changed()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		result := o.It.Run(ended, about, plan)
		if changed() != before || result.Outcome != incident.Failed || result.Verified {
			t.Errorf("outcome %s, verified %v, the target changed %d times; want failed and nothing done", result.Outcome, result.Verified, changed()-before)
		}
	})
	t.Run("a fix that is not in the catalogue fails before anything happens", func(t *testing.T) {
		o, before, other := open(t, integration.Executors, d, v), changed(), plan
		other.FixID = "drop-database"
		if result := o.It.Run(t.Context(), about, other); changed() != before || result.Outcome != incident.Failed {
			t.Errorf("outcome %s, the target changed %d times", result.Outcome, changed()-before)
		}
	})
}

// wellTold holds the steps to what people can read.
func wellTold(t *testing.T, told []incident.FixStep) {
	t.Helper()
	if len(told) == 0 {
		t.Error("it tells no step")
	}
	for _, s := range told {
		if s.Name == "" || s.Detail == "" || s.At.IsZero() || !slices.Contains([]string{"ok", "failed", "simulated", "skipped"}, s.Status) {
			t.Errorf("a step that says too little: %+v", s)
		}
	}
}
