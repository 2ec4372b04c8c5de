package simulated_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor/simulated"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func at() time.Time { return time.Date(2026, 11, 2, 14, 5, 0, 0, time.UTC) }

func ref() incident.Ref {
	return incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JZ0000000000000000000000"}
}

func executor(t *testing.T, now func() time.Time) steps.Executor {
	t.Helper()
	env := stepstest.Env(nil)
	env.Now = now
	return stepstest.Open(t, env, integration.Executors, simulated.Integration()).It
}

func plan(t *testing.T, fixID string, raw map[string]any) incident.Plan {
	t.Helper()
	p, err := catalog.Propose(catalog.IDs(), fixID, raw)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := catalog.Build(ref(), catalog.IDs(), incident.Target{Service: "prod-api-01", Type: incident.SimulatedTarget}, p)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func order(p incident.Plan) steps.Order {
	return steps.Order{Ref: ref(), Plan: p, Key: p.Key(ref(), false), StartedAt: at()}
}

func TestEveryStepOfEveryFixSaysThatNothingWasChanged(t *testing.T) {
	for _, id := range catalog.IDs() {
		got := executor(t, at).Act(context.Background(), order(plan(t, id, nil)))
		if got.Outcome != incident.Simulated {
			t.Errorf("%s: outcome %s", id, got.Outcome)
		}
		var names []string
		for _, s := range got.Steps {
			names = append(names, s.Name)
			if s.Status != "simulated" || !strings.HasPrefix(s.Detail, "nothing was changed; ") || !s.At.Equal(at()) || len(s.Detail) > 500 {
				t.Errorf("%s: step %+v", id, s)
			}
		}
		if diff := cmp.Diff([]string{"check target", "take snapshot", id, "wait for health", "verify"}, names); diff != "" {
			t.Errorf("%s: steps differ (-want +got):\n%s", id, diff)
		}
	}
}

func TestTheActionNamesItsParameters(t *testing.T) {
	got := executor(t, at).Act(context.Background(), order(plan(t, "scale-out", map[string]any{"instances": 3.0})))
	i := slices.IndexFunc(got.Steps, func(s incident.FixStep) bool { return s.Name == "scale-out" })
	if i < 0 || !strings.HasSuffix(got.Steps[i].Detail, "Add instances with instances=3") {
		t.Errorf("steps %+v", got.Steps)
	}
}

func TestFixThatIsNotInTheCatalogueFails(t *testing.T) {
	p := plan(t, "scale-out", nil)
	p.FixID = "reboot"
	got := executor(t, at).Act(context.Background(), order(p))
	if got.Outcome != incident.Failed || len(got.Steps) != 1 || got.Steps[0].Status != "failed" {
		t.Errorf("Run = %+v", got)
	}
}

func TestRunStopsWhenItIsCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	asked := 0
	e := executor(t, func() time.Time { // called once a step: the second step is under way
		if asked++; asked == 2 {
			cancel()
		}
		return at()
	})
	got := e.Act(ctx, order(plan(t, "restart-service", nil)))
	if got.Outcome != incident.Failed || len(got.Steps) != 3 {
		t.Fatalf("Run = %+v", got)
	}
	last := got.Steps[2]
	if last.Name != "restart-service" || last.Status != "failed" || !strings.Contains(last.Detail, "nothing was changed") {
		t.Errorf("the last step is %+v", last)
	}
}

func TestVerifyFindsNothingHalfDone(t *testing.T) {
	sight, err := executor(t, at).Verify(context.Background(), order(plan(t, "restart-service", nil)))
	if err != nil || sight.Phase != steps.Verified || len(sight.Steps) != 1 || sight.Steps[0].Status != "simulated" || !strings.Contains(sight.Steps[0].Detail, "nothing was changed") {
		t.Errorf("Verify = %+v, %v", sight, err)
	}
}
