// Package statemachine_test proves things about the definition's graph, and
// that the proofs can fail: each is run on copies that break one promise.
package statemachine_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/statemachine"
)

func TestTheDefinitionKeepsItsPromises(t *testing.T) {
	if f := promises(statemachine.Definition); len(f.said) > 0 {
		t.Errorf("incident.asl.json breaks its promises:%s", f)
	}
}

// TestTheDefinitionMeansTheSameInEveryPartition substitutes as the template does. A
// resource's ARN of another partition makes Step Functions fail each execution.
func TestTheDefinitionMeansTheSameInEveryPartition(t *testing.T) {
	here, err := asl.Load(statemachine.Definition)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(statemachine.Definition, []byte("arn:aws")) {
		t.Error("the definition names a partition; write arn:${Partition}:")
	}
	meaning := func(def *asl.Definition) []asl.State {
		states := def.States()
		for n := range states {
			states[n].Resource = "" // the one thing that differs; WaitsForToken says what it means
		}
		return states
	}
	same := cmp.Options{
		cmpopts.IgnoreUnexported(asl.State{}),
		cmp.Comparer(func(a, b asl.Path) bool { return a.String() == b.String() }),
		cmp.Comparer(func(a, b asl.ChoiceRule) bool { return a.String() == b.String() && a.Next == b.Next }),
	}
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		text := bytes.ReplaceAll(statemachine.Definition, []byte("${Partition}"), []byte(partition))
		there, err := asl.Load(text)
		if err != nil {
			t.Errorf("%s: %v", partition, err)
			continue
		}
		if diff := cmp.Diff(meaning(here), meaning(there), same); diff != "" {
			t.Errorf("%s means something else (-as written +there):\n%s", partition, diff)
		}
		if f := promises(text); len(f.said) > 0 {
			t.Errorf("%s breaks promises:%s", partition, f)
		}
	}
}

// TestEveryRunKeepsThePromises goes through all there is: whatever the steps
// answer, fail with or take too long over, and whatever comes as a decision, the
// fix is called only after an approve, never again once it may have been claimed,
// and LogResolution ends it.
func TestEveryRunKeepsThePromises(t *testing.T) {
	def := shortened(t, statemachine.Definition)
	f := &findings{said: map[violation]string{}}
	world := everything()
	steps := explore(f, def, world)
	if len(f.said) > 0 {
		t.Errorf("a run breaks a promise:%s", f)
	}
	for _, name := range []string{analyze, waitState, executeFix, createTicket, logResolution} {
		if steps[name] < len(world.errors) {
			t.Errorf("%s was gone on from in %d ways only: the exploration misses most of them", name, steps[name])
		}
	}
	t.Logf("ways on from each state: %v", steps)
}

// TestEachAnswerLeadsWhereItShould follows one answer, or one result of the fix,
// to the next task.
func TestEachAnswerLeadsWhereItShould(t *testing.T) {
	def, err := asl.Load(statemachine.Definition)
	if err != nil {
		t.Fatal(err)
	}
	world := everything()
	for _, answer := range world.answers {
		want := createTicket
		switch answer {
		case approval:
			want = executeFix
		case resolution:
			want = logResolution
		}
		if got := after(t, def, answer, ""); got != want {
			t.Errorf("the answer %s leads to %s, want %s", answer, got, want)
		}
	}
	good := []string{`{"outcome":"fixed","verified":true}`, `{"outcome":"simulated","verified":true}`}
	for _, result := range world.results[executeFix] {
		want := createTicket
		if slices.Contains(good, result) {
			want = logResolution
		}
		if got := after(t, def, approval, result); got != want {
			t.Errorf("the fix's result %s leads to %s, want %s", result, got, want)
		}
	}
}

// after names the state that runs after the answer and, if there is one, the
// fix's result.
func after(t *testing.T, def *asl.Definition, answer, fix string) string {
	t.Helper()
	events := []func(asl.Execution) asl.Event{
		func(asl.Execution) asl.Event {
			return asl.Start{Name: "INC-1", Input: json.RawMessage(`{"tenant":"t","incidentId":"INC-1","approvalTimeoutSeconds":9}`)}
		},
		func(e asl.Execution) asl.Event {
			return asl.TaskSucceeded{Attempt: e.Attempt, Output: json.RawMessage(something().results[analyze][0])}
		},
		func(e asl.Execution) asl.Event {
			return asl.CallbackSucceeded{Token: e.Token, Output: json.RawMessage(answer)}
		},
		func(e asl.Execution) asl.Event {
			return asl.TaskSucceeded{Attempt: e.Attempt, Output: json.RawMessage(fix)}
		},
	}
	if fix == "" {
		events = events[:3]
	}
	n := node{now: epoch()}
	for _, event := range events {
		var err error
		if n, _, err = step(def, n, event(n.exec)); err != nil {
			t.Fatal(err)
		}
	}
	return n.exec.State
}
