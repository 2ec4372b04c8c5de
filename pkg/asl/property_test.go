package asl

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAnyOrderOfEvents throws events at the incident's machine, late ones and wrong ones among them. The harness holds
// after each that a running execution waits for something and a finished one for nothing. Driven on with good answers, the
// run then ends.
func TestAnyOrderOfEvents(t *testing.T) {
	def, err := Load(incidentDefinition(t))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		h := &harness{t: rt, def: def}
		h.start(`{"tenant":"default","incidentId":"INC-1","approvalTimeoutSeconds":3600}`)
		tokens := []Token{"", "never given"}
		for range rapid.IntRange(0, 40).Draw(rt, "events") {
			if h.exec.Token != "" {
				tokens = append(tokens, h.exec.Token)
			}
			h.random = rapid.Float64Range(0, 0.999).Draw(rt, "random")
			h.now = h.now.Add(time.Duration(rapid.IntRange(0, 7200).Draw(rt, "seconds")) * time.Second)
			finished := h.exec
			err := h.send(anyEvent(rt, h.exec, tokens))
			if err != nil && !IsStale(err) && !errors.Is(err, ErrInvalidOutput) && !errors.Is(err, ErrAlreadyStarted) {
				rt.Fatalf("unexpected error: %v", err)
			}
			if finished.Finished() && err == nil {
				rt.Fatalf("an event changed a finished execution")
			}
		}
		for steps := 0; !h.exec.Finished(); steps++ {
			if steps > 200 {
				rt.Fatalf("does not end; in %s", h.exec.State)
			}
			answer(h)
		}
	})
}

func anyEvent(t *rapid.T, exec Execution, tokens []Token) Event {
	attempt := rapid.IntRange(max(0, exec.Attempt-2), exec.Attempt+1).Draw(t, "attempt")
	token := rapid.SampledFrom(tokens).Draw(t, "token")
	output := json.RawMessage(rapid.SampledFrom([]string{
		`{"decision":"approve","planHash":"h"}`, `{"decision":"resolve","planHash":"h"}`, `{"decision":"escalate","planHash":"h"}`,
		`{"outcome":"fixed","verified":true}`, `{"outcome":"failed","verified":false}`, `{}`, `null`, `not JSON`,
	}).Draw(t, "output"))
	failure := rapid.SampledFrom([]string{"Unavailable", "Other", errorTimeout, errorRuntime, errorDataLimit}).Draw(t, "failure")
	switch rapid.IntRange(0, 6).Draw(t, "kind of event") {
	case 0:
		return Start{Name: exec.Name, Input: exec.Input}
	case 1:
		return TaskFailed{attempt, failure, "because"}
	case 2:
		return TaskTimedOut{attempt}
	case 3:
		return CallbackSucceeded{token, output}
	case 4:
		return CallbackFailed{token, failure, ""}
	case 5:
		if due, ok := exec.Due(); ok {
			return TimerFired{due.Kind, due.Attempt}
		}
		return TimerFired{RetryTimer, attempt}
	default:
		return TaskSucceeded{attempt, output}
	}
}

// answer gives the execution what it waits for.
func answer(h *harness) {
	if h.exec.Phase == Invoking {
		h.succeed(`{"outcome":"fixed","verified":true}`)
		return
	}
	h.fire()
}
