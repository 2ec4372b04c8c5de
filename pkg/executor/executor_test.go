package executor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func now() time.Time { return time.Date(2026, 11, 2, 14, 5, 0, 0, time.UTC) }

func ref() incident.Ref {
	return incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JZ0000000000000000000000"}
}

func plan(t *testing.T, fixID, targetType string) incident.Plan {
	t.Helper()
	p, err := catalog.Propose(catalog.IDs(), fixID, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := catalog.Build(ref(), catalog.IDs(), incident.Target{Service: "prod-api-01", Type: targetType}, p)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func open(t *testing.T) *executor.Set {
	t.Helper()
	env := stepstest.Env(nil)
	env.Now = now
	set, err := executor.Open(env, executor.List())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestPlanForATypeThatIsNotBuiltInFailsBeforeActing(t *testing.T) {
	for _, typ := range []string{"no-such", "", "Simulated"} {
		set, p := open(t), plan(t, "restart-service", "x")
		p.Target.Type = typ
		got := set.Run(context.Background(), ref(), p)
		if got.Outcome != incident.Failed || got.Verified || len(got.Steps) != 1 {
			t.Fatalf("%q: Run = %+v", typ, got)
		}
		step := got.Steps[0]
		if step.Status != "failed" || !strings.Contains(step.Detail, `"`+typ+`"`) || !strings.Contains(step.Detail, "known: ") || !step.At.Equal(now()) {
			t.Errorf("%q: the step does not say which type is missing: %+v", typ, step)
		}
		if verified, steps := set.Verify(context.Background(), ref(), p); verified || len(steps) != 1 || steps[0].Status != "failed" {
			t.Errorf("%q: Verify = %v, %+v", typ, verified, steps)
		}
	}
}

func TestSetSendsThePlanToTheExecutorOfItsType(t *testing.T) {
	set := open(t)
	if got := set.Run(context.Background(), ref(), plan(t, "scale-out", "simulated")); got.Outcome != incident.Simulated || !got.Verified {
		t.Errorf("Run = %+v", got)
	}
	if verified, _ := set.Verify(context.Background(), ref(), plan(t, "scale-out", "simulated")); !verified {
		t.Error("Verify of a simulated target is false")
	}
}
