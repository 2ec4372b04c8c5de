// Package statemachine_test proves things about the definition's graph, and
// that the proofs can fail: each is run on copies that break one promise.
package statemachine_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
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
// fix is called only after an approve, never again once it may have been claimed; it is
// undone only where an answer said so, and once; what is not known of it goes to people;
// and LogResolution ends it. A fix that never settles is among it.
func TestEveryRunKeepsThePromises(t *testing.T) {
	def := shortened(t, statemachine.Definition)
	f := &findings{said: map[violation]string{}}
	world := everything()
	ways := explore(f, def, world)
	if len(f.said) > 0 {
		t.Errorf("a run breaks a promise:%s", f)
	}
	for _, name := range slices.Concat([]string{investigate, analyze, planFix, waitState, createTicket, logResolution}, fixing()) {
		if ways[name] < len(world.errors) {
			t.Errorf("%s was gone on from in %d ways only: the exploration misses most of them", name, ways[name])
		}
	}
	t.Logf("ways on from each state: %v", ways)
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
	for _, result := range world.results[executeFix] {
		want, p := createTicket, said(result)
		switch {
		case !p.Settled:
			want = pause
		case p.Verified && (p.Outcome == incident.Fixed || p.Outcome == incident.Simulated):
			want = logResolution
		case p.Undo:
			want = undoFix
		}
		if got := after(t, def, approval, result); got != want {
			t.Errorf("the fix's result %s leads to %s, want %s", result, got, want)
		}
	}
}

// after names the state in which the execution waits after the answer and, if there is
// one, the fix's result.
func after(t *testing.T, def *asl.Definition, answer, fix string) string {
	t.Helper()
	returns := func(output string) func(asl.Execution) asl.Event {
		return func(e asl.Execution) asl.Event {
			return asl.TaskSucceeded{Attempt: e.Attempt, Output: json.RawMessage(output)}
		}
	}
	events := []func(asl.Execution) asl.Event{
		func(asl.Execution) asl.Event {
			return asl.Start{Name: "INC-1", Input: json.RawMessage(`{"tenant":"t","incidentId":"INC-1","approvalTimeoutSeconds":9}`)}
		},
	}
	for _, state := range []string{investigate, analyze, planFix} {
		events = append(events, returns(something().results[state][0]))
	}
	events = append(events, func(e asl.Execution) asl.Event {
		return asl.CallbackSucceeded{Token: e.Token, Output: json.RawMessage(answer)}
	})
	if fix != "" {
		events = append(events, returns(fix))
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

// TestALookThatSeesNothingNewIsTakenAgainAfterItsTime follows a fix that settles for
// long: each look says after how long the next one comes, and nothing else passes.
func TestALookThatSeesNothingNewIsTakenAgainAfterItsTime(t *testing.T) {
	def, err := asl.Load(statemachine.Definition)
	if err != nil {
		t.Fatal(err)
	}
	n := settling(t, def)
	for _, seconds := range []int{1, 2, 5, 15, 15} {
		text, err := json.Marshal(steps.FixProgress{WaitSeconds: seconds})
		if err != nil {
			t.Fatal(err)
		}
		timer, ok := n.exec.Due()
		if !ok || timer.Kind != asl.WaitTimer {
			t.Fatalf("it waits for no time in %s: %+v", n.exec.State, n.exec.Timers)
		}
		if n, _, err = step(def, n, asl.TimerFired{Kind: timer.Kind, Attempt: timer.Attempt}); err != nil || n.exec.State != verifyFix {
			t.Fatalf("after the wait it is in %s: %v", n.exec.State, err)
		}
		if n, _, err = step(def, n, asl.TaskSucceeded{Attempt: n.exec.Attempt, Output: text}); err != nil || n.exec.State != pause {
			t.Fatalf("after a look that saw nothing new it is in %s: %v", n.exec.State, err)
		}
		if next, _ := n.exec.Due(); next.At.Sub(n.now) != time.Duration(seconds)*time.Second {
			t.Errorf("it looks again after %s, want %d s", next.At.Sub(n.now), seconds)
		}
	}
}

// settling is an execution whose fix was taken by the target and settles.
func settling(t *testing.T, def *asl.Definition) node {
	t.Helper()
	n := node{now: epoch()}
	var err error
	if n, _, err = step(def, n, asl.Start{Name: "INC-1", Input: json.RawMessage(`{"tenant":"t","incidentId":"INC-1","approvalTimeoutSeconds":9}`)}); err != nil {
		t.Fatal(err)
	}
	for n.exec.State != pause {
		var event asl.Event = asl.TaskSucceeded{Attempt: n.exec.Attempt, Output: json.RawMessage(something().results[n.exec.State][0])}
		switch n.exec.State {
		case waitState:
			event = asl.CallbackSucceeded{Token: n.exec.Token, Output: json.RawMessage(approval)}
		case executeFix:
			event = asl.TaskSucceeded{Attempt: n.exec.Attempt, Output: json.RawMessage(progress("", false, false, false))}
		}
		if n, _, err = step(def, n, event); err != nil || n.exec.Finished() {
			t.Fatalf("it ended in %s: %v", n.exec.State, err)
		}
	}
	return n
}
