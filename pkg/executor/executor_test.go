package executor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func now() time.Time { return time.Date(2026, 11, 2, 14, 5, 0, 0, time.UTC) }

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

func TestATypeThatIsNotBuiltInIsNamed(t *testing.T) {
	for _, typ := range []string{"no-such", "", "Simulated"} {
		target := incident.Target{Service: "prod-api-01", Type: typ}
		set := open(t)
		_, err := set.For(target)
		_, digest := set.Digest(target, "restart-service")
		for _, err := range []error{err, digest} {
			if incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), `"`+typ+`"`) || !strings.Contains(err.Error(), "known: ") {
				t.Errorf("%q: %v", typ, err)
			}
		}
	}
}

func TestTheDigestIsThatOfTheFixOnItsTarget(t *testing.T) {
	set, seen := open(t), map[string]string{}
	for _, id := range catalog.IDs() {
		digest, err := set.Digest(incident.Target{Type: "simulated"}, id)
		if other, twice := seen[digest]; err != nil || twice {
			t.Errorf("%s: %v, as %s", id, err, other)
		}
		seen[digest] = id
	}
	if _, err := set.Digest(incident.Target{Type: "simulated"}, "drop-database"); incident.KindOf(err) != incident.Invalid {
		t.Errorf("a fix that it cannot do: %v", err)
	}
}

// loud says more than a record can hold, and what it must not.
type loud struct{ steps.Executor }

const token = "ghp_0123456789abcdefghijABCDEFGHIJ0123456789"

func (loud) Look(_ context.Context, p incident.Proposal) (incident.State, error) {
	state := incident.State{"note": "token " + token + "\x1b[31m\u202e"}
	for n := range 33 {
		if p.FixID == "" {
			break
		}
		state[fmt.Sprintf("z%03d", n)] = strings.Repeat("x", 10_000)
	}
	return state, nil
}

func (loud) Plan(incident.State, incident.Proposal) (incident.Draft, error) {
	return incident.Draft{Actions: []string{strings.Repeat("x", 10_000)}}, nil
}

func (loud) Act(context.Context, steps.Order) steps.Acted {
	return steps.Acted{Receipt: incident.State{"id": token}, Steps: []incident.FixStep{{Name: "a", Detail: token + "\n\x1b[31m"}}}
}

func (loud) Verify(context.Context, steps.Order) (steps.Sight, error) {
	return steps.Sight{Steps: []incident.FixStep{{Name: "a", Detail: token}}}, nil
}

func TestWhatAnExecutorSaysIsBoundedAndRedacted(t *testing.T) {
	env := stepstest.Env(nil)
	set, err := executor.Open(env, []integration.Descriptor[steps.Executor]{
		integration.New("loud", "says too much", func(integration.Env, struct{}) (steps.Executor, error) { return loud{}, nil })})
	if err != nil {
		t.Fatal(err)
	}
	it, err := set.For(incident.Target{Service: "s", Type: "loud"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := it.Look(t.Context(), incident.Proposal{FixID: "much"}); incident.KindOf(err) != incident.Invalid {
		t.Errorf("what was seen is cut: %v", err)
	}
	state, err := it.Look(t.Context(), incident.Proposal{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := it.Plan(nil, incident.Proposal{FixID: "restart-service"}); incident.KindOf(err) != incident.Invalid {
		t.Errorf("a plan that nobody can read: %v", err)
	}
	acted := it.Act(t.Context(), steps.Order{})
	sight, _ := it.Verify(t.Context(), steps.Order{})
	if text := fmt.Sprint(state["note"], acted, sight); strings.Contains(text, token) || strings.ContainsAny(text, "\x1b\u202e\n") {
		t.Errorf("it lets through %.300q", text)
	}
}
