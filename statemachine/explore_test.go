package statemachine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

// node is an execution somewhere on its way, and what happened before that
// matters to the promises.
type node struct {
	exec asl.Execution
	now  time.Time
	flags
	calls []string
}

// flags are what happened so far.
type flags struct {
	approved bool // the answer to WaitForApproval was approve
	resolved bool // it was resolve
	acted    bool // the fix was called, and it may have done something
	good     bool // the last answer about the fix: done, and seen to work
	undo     bool // the last answer about the fix: to be undone
	settles  bool // the last answer about the fix: to be waited for
	undone   bool // the undoing was called, and it may have done something
	lost     bool // a step that works on the fix failed for good, unless it is called again
	ticketed bool // CreateTicket was called
	ending   bool // LogResolution was called
}

// key is all of a node that can make a difference to what follows. Of the data
// that is what the states from here on read: so runs that differ in nothing else
// are followed once. Times, attempt numbers and tokens make none. So looking again and
// again at a fix that never settles is gone through once: after each such look the
// execution stands where it stood after the first.
func (n node) key(read map[string][]string) string {
	var data any
	if err := json.Unmarshal(n.exec.Data, &data); err != nil {
		data = err
	}
	live := []any{}
	for _, path := range read[n.exec.State] {
		value, found := lookUp(data, path)
		live = append(live, path, value, found)
	}
	return fmt.Sprint(n.exec.State, n.exec.Phase, n.exec.Status, n.exec.RetriesUsed, live, n.flags)
}

func lookUp(data any, path string) (any, bool) {
	for _, name := range strings.Split(path, ".")[1:] {
		object, _ := data.(map[string]any)
		value, ok := object[name]
		if !ok {
			return nil, false
		}
		data = value
	}
	return data, true
}

// readFrom lists, for each state, the paths that it and what can follow it read, as far
// as nothing on the way writes them first.
func readFrom(def *asl.Definition) map[string][]string {
	found := map[string][]string{}
	for changed := true; changed; {
		changed = false
		for _, s := range def.States() {
			paths := reads(s)
			for _, next := range s.Successors() {
				at := writes(s, next.Label) + "."
				for _, path := range found[next.To] {
					if !strings.HasPrefix(path+".", at) {
						paths = append(paths, path)
					}
				}
			}
			slices.Sort(paths)
			paths = slices.Compact(paths)
			changed = changed || !slices.Equal(found[s.Name], paths)
			found[s.Name] = paths
		}
	}
	return found
}

// explore runs the definition through every combination of what an alphabet's
// tasks can answer, and reports what no combination may do. It returns how often
// each state was gone on from.
func explore(f *findings, def *asl.Definition, world alphabet) map[string]int {
	steps := map[string]int{}
	begin := node{now: epoch()}
	first, commands, err := step(def, begin, asl.Start{Name: "INC-1", Input: json.RawMessage(`{"tenant":"default","incidentId":"INC-1","approvalTimeoutSeconds":14400}`)})
	if err != nil {
		f.add("runs", "", "start: %v", err)
		return steps
	}
	seen, read := map[string]bool{}, readFrom(def)
	queue := []node{judge(f, def, first, commands)}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		key := n.key(read)
		if seen[key] || n.exec.Finished() {
			continue
		}
		seen[key] = true
		moved := false
		for _, event := range world.possible(def, n) {
			next, commands, err := step(def, n, event)
			if err != nil {
				f.add("runs", n.exec.State, "%T: %v", event, err)
				continue
			}
			moved = true
			steps[n.exec.State]++
			queue = append(queue, judge(f, def, remember(n, next, event), commands))
		}
		if !moved {
			f.add("never hangs", n.exec.State, "nothing can happen any more after %v", n.calls)
		}
	}
	return steps
}

// someRetries stands for every number of retries above it: a run of more differs
// from one of so many in nothing but its length.
const someRetries = 3

// shortened is a definition whose retries end soon enough for all runs to be gone
// through. Those of the end stay: their number is promised.
func shortened(t *testing.T, text []byte) *asl.Definition {
	t.Helper()
	d := document{t, map[string]any{}}
	if err := json.Unmarshal(text, &d.root); err != nil {
		t.Fatal(err)
	}
	states, _ := d.root["States"].(map[string]any)
	for _, state := range states {
		retriers, _ := state.(map[string]any)["Retry"].([]any)
		for _, r := range retriers {
			if r, ok := r.(map[string]any); ok {
				if most, ok := r["MaxAttempts"].(float64); ok && most > 2*longEnough {
					r["MaxAttempts"] = someRetries
				}
			}
		}
	}
	short, err := json.Marshal(d.root)
	if err != nil {
		t.Fatal(err)
	}
	def, err := asl.Load(short)
	if err != nil {
		t.Fatal(err)
	}
	return def
}

// epoch is when every run begins.
func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func step(def *asl.Definition, n node, event asl.Event) (node, []asl.Command, error) {
	if fired, ok := event.(asl.TimerFired); ok {
		for _, timer := range n.exec.Timers {
			if timer.Kind == fired.Kind && timer.At.After(n.now) {
				n.now = timer.At
			}
		}
	}
	exec, commands, err := asl.Next(def, n.exec, event, asl.Env{Now: n.now, Rand: func() float64 { return 0.5 },
		NewToken: func(string, int) asl.Token { return "token" }})
	n.exec = exec
	return n, commands, err
}

// remember notes what an event says about the approval and the fix.
func remember(before, after node, event asl.Event) node {
	state := before.exec.State
	switch event := event.(type) {
	case asl.CallbackSucceeded:
		after.approved, after.resolved = string(event.Output) == approval, string(event.Output) == resolution
	case asl.TaskFailed:
		after.lost = slices.Contains(fixing(), state)
		if !slices.Contains(slices.Concat(beforeTheClaim(state)...), event.Error) {
			after.mayHaveActed(state)
		}
	case asl.TaskTimedOut:
		after.lost = slices.Contains(fixing(), state)
		after.mayHaveActed(state)
	case asl.TaskSucceeded:
		after.mayHaveActed(state)
		if p := said(string(event.Output)); slices.Contains(fixing(), state) {
			works := p.Outcome == incident.Fixed || p.Outcome == incident.Simulated
			after.settles, after.good, after.undo = !p.Settled, p.Settled && p.Verified && works, p.Settled && p.Undo
		}
	}
	return after
}

func (f *flags) mayHaveActed(state string) {
	f.acted = f.acted || state == executeFix
	f.undone = f.undone || state == undoFix
}

// longEnough is how often an incident's end is tried before the execution fails:
// with the delays of the definition, for more than a quarter of an hour.
const longEnough = 8

// judge checks the commands of a step.
func judge(f *findings, def *asl.Definition, n node, commands []asl.Command) node {
	for _, command := range commands {
		switch command := command.(type) {
		case asl.RunTask:
			n.calls = append(slices.Clip(n.calls), n.exec.State)
			n.judgeCall(f, command)
		case asl.Finish:
			if !n.ending {
				f.add("ends through LogResolution", n.exec.State, "%s %s %s after %v", command.Status, n.exec.Error, n.exec.Cause, n.calls)
			}
			tries := strings.Count(strings.Join(n.calls, " "), logResolution)
			if command.Status != asl.Succeeded && n.ending && n.exec.Error == "Unavailable" && tries < longEnough {
				f.add("tries long to end", n.exec.State, "it gave up after %d calls", tries)
			}
		}
	}
	return n
}

// judgeCall checks one call of a function, and notes it.
func (n *node) judgeCall(f *findings, command asl.RunTask) {
	called := func(state string) bool { return command.Function == functionOf(state) }
	blame := func(promise string) { f.add(promise, n.exec.State, "after %v", n.calls) }
	if (called(executeFix) || called(undoFix)) && !n.approved {
		blame("runs no fix unapproved")
	}
	if called(executeFix) && n.acted {
		blame("runs a fix once")
	}
	if called(undoFix) && (!n.acted || !n.undo) {
		blame("undoes what is to be undone")
	}
	if called(undoFix) && n.undone {
		blame("undoes a fix once")
	}
	again := n.exec.RetryCount > 0
	if n.lost && !again && !called(createTicket) {
		blame("hands failures to people")
	}
	if called(verifyFix) != n.settles && n.acted && !n.lost && !again && !n.ticketed {
		blame("waits for what settles")
	}
	if called(logResolution) && !n.ticketed && !n.resolved && !n.good || called(createTicket) && n.good && !n.lost {
		blame("resolves what is seen to work")
	}
	if !called(executeFix) && strings.Contains(string(command.Payload), "token") && !command.Waits {
		f.add("gives the token to one step", n.exec.State, "it is called with %s", command.Payload)
	}
	n.lost = false
	n.ticketed = n.ticketed || called(createTicket)
	n.ending = n.ending || called(logResolution)
}

// possible lists what can happen next.
func (a alphabet) possible(def *asl.Definition, n node) []asl.Event {
	s, _ := def.State(n.exec.State)
	attempt := n.exec.Attempt
	var events []asl.Event
	for _, timer := range n.exec.Timers {
		events = append(events, asl.TimerFired{Kind: timer.Kind, Attempt: timer.Attempt})
	}
	if n.exec.Phase == asl.Invoking {
		for _, output := range a.results[s.Name] {
			// No step says that a fix is to be undone once its undoing was begun: that is
			// incident.MayUndo, which has tests of its own.
			if said(output).Undo && (n.undone || s.Name == undoFix) {
				continue
			}
			events = append(events, asl.TaskSucceeded{Attempt: attempt, Output: json.RawMessage(output)})
		}
		for _, name := range a.errors {
			events = append(events, asl.TaskFailed{Attempt: attempt, Error: name, Cause: "because"})
		}
		if !s.WaitsForToken {
			events = append(events, asl.TaskTimedOut{Attempt: attempt})
		}
	}
	if n.exec.Token != "" {
		for _, output := range a.answers {
			events = append(events, asl.CallbackSucceeded{Token: n.exec.Token, Output: json.RawMessage(output)})
		}
		events = append(events, asl.CallbackFailed{Token: n.exec.Token, Error: "Nobody.Knows"})
	}
	return events
}
