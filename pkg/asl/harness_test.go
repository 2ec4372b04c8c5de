package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// harness drives one execution and checks after every step what must always hold.
type harness struct {
	t        rapid.TB // a *testing.T or a *rapid.T
	def      *Definition
	exec     Execution
	commands []Command // of the last step
	now      time.Time
	random   float64
	tokens   int
}

func start(t testing.TB, definition, input string) *harness {
	t.Helper()
	h := &harness{t: t, def: mustLoad(t, definition)}
	h.start(input)
	return h
}

func (h *harness) start(input string) {
	h.t.Helper()
	h.now = time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	h.must(Start{Name: "run-1", Input: json.RawMessage(input)})
}

func (h *harness) send(ev Event) error {
	h.t.Helper()
	before := asJSON(h.t, h.exec)
	next, commands, err := Next(h.def, h.exec, ev, Env{Now: h.now, Rand: func() float64 { return h.random }, NewToken: h.newToken})
	if after := asJSON(h.t, h.exec); after != before {
		h.t.Fatalf("Next changed its argument from %s to %s", before, after)
	}
	if err != nil {
		if len(commands) > 0 {
			h.t.Fatalf("%T: commands beside the error %v", ev, err)
		}
		return err
	}
	// What the next step sees is what a disk would give back.
	h.exec, h.commands = Execution{}, commands
	if err := json.Unmarshal([]byte(asJSON(h.t, next)), &h.exec); err != nil {
		h.t.Fatal(err)
	}
	h.check()
	return nil
}

func (h *harness) must(ev Event) {
	h.t.Helper()
	if err := h.send(ev); err != nil {
		h.t.Fatalf("%T: %v", ev, err)
	}
}

func (h *harness) newToken(execution string, attempt int) Token {
	h.tokens++
	return Token(fmt.Sprintf("token-%s-%d-%d", execution, attempt, h.tokens))
}

// check holds after every step: a running execution waits for a function or a timer, a finished one for nothing, and what
// Pending says of the stored execution is what the step commanded.
func (h *harness) check() {
	h.t.Helper()
	pending, err := Pending(h.def, h.exec)
	if err != nil {
		h.t.Fatalf("pending: %v", err)
	}
	if h.exec.Finished() {
		if len(pending) > 0 || len(h.exec.Timers) > 0 || h.exec.Token != "" {
			h.t.Fatalf("finished, and still waits for %v", pending)
		}
		if len(h.commands) != 1 || h.commands[0] != (Finish{h.exec.Status}) {
			h.t.Fatalf("finished with the commands %v", h.commands)
		}
		return
	}
	if len(pending) == 0 {
		h.t.Fatalf("running in %s, and waits for nothing", h.exec.State)
	}
	stored := map[string]bool{}
	for _, command := range pending {
		stored[fmt.Sprintf("%T%s", command, asJSON(h.t, command))] = true
	}
	for _, command := range h.commands {
		if text := fmt.Sprintf("%T%s", command, asJSON(h.t, command)); !stored[text] {
			h.t.Fatalf("commanded %s, which Pending does not know", text)
		}
	}
}

// run gives the RunTask of the last step.
func (h *harness) run() RunTask {
	h.t.Helper()
	for _, command := range h.commands {
		if run, ok := command.(RunTask); ok {
			return run
		}
	}
	h.t.Fatalf("no task was run; the execution is %s", asJSON(h.t, h.exec))
	return RunTask{}
}

func (h *harness) succeed(output string) {
	h.t.Helper()
	h.must(TaskSucceeded{h.exec.Attempt, json.RawMessage(output)})
}

func (h *harness) fail(name string) {
	h.t.Helper()
	h.must(TaskFailed{h.exec.Attempt, name, "because"})
}

// fire moves the clock to the earliest timer and delivers it.
func (h *harness) fire() Timer {
	h.t.Helper()
	timer, ok := h.exec.Due()
	if !ok {
		h.t.Fatalf("no timer to fire in %s", h.exec.State)
	}
	if timer.At.After(h.now) {
		h.now = timer.At
	}
	h.must(TimerFired{timer.Kind, timer.Attempt})
	return timer
}

func (h *harness) wantOutput(want string) {
	h.t.Helper()
	if h.exec.Status != Succeeded || string(h.exec.Output) != want {
		h.t.Fatalf("got %s %s %s %s, want SUCCEEDED with %s", h.exec.Status, h.exec.Output, h.exec.Error, h.exec.Cause, want)
	}
}

func (h *harness) wantError(name string) {
	h.t.Helper()
	if h.exec.Status != Failed || h.exec.Error != name {
		h.t.Fatalf("got %s %s %s %s, want FAILED with %s", h.exec.Status, h.exec.Output, h.exec.Error, h.exec.Cause, name)
	}
}

func (h *harness) wantStale(ev Event, want error) {
	h.t.Helper()
	if err := h.send(ev); !errors.Is(err, want) {
		h.t.Fatalf("%T: got %v, want %v", ev, err, want)
	}
}

func asJSON(t rapid.TB, v any) string {
	t.Helper()
	text, err := encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
