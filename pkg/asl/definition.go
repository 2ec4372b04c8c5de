package asl

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Definition is a state machine that passed [Load]. It never changes, so any number of goroutines may share it; what it
// hands out is for reading only.
type Definition struct {
	digest         string
	comment        string
	startAt        string
	timeoutSeconds int
	names          []string // in the document's order
	states         map[string]*State
}

// Digest is the SHA-256 of the bytes that were loaded, in hex. An execution records it, and runs on no other definition.
func (d *Definition) Digest() string { return d.digest }

// Comment is the definition's own comment.
func (d *Definition) Comment() string { return d.comment }

// StartAt is the name of the first state.
func (d *Definition) StartAt() string { return d.startAt }

// TimeoutSeconds bounds a whole execution; 0 is no bound.
func (d *Definition) TimeoutSeconds() int { return d.timeoutSeconds }

// State finds a state by name.
func (d *Definition) State(name string) (State, bool) {
	state, ok := d.states[name]
	if !ok {
		return State{}, false
	}
	return *state, true
}

// States gives every state, in the document's order.
func (d *Definition) States() []State {
	all := make([]State, len(d.names))
	for i, name := range d.names {
		all[i] = *d.states[name]
	}
	return all
}

// Functions gives the FunctionName of every Task, once each, sorted.
func (d *Definition) Functions() []string {
	var names []string
	for _, state := range d.states {
		if state.Type == Task {
			names = append(names, state.FunctionName)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Type is a kind of state.
type Type string

// The kinds of state there are.
const (
	Task    Type = "Task"
	Choice  Type = "Choice"
	Pass    Type = "Pass"
	Wait    Type = "Wait"
	Succeed Type = "Succeed"
	Fail    Type = "Fail"
)

// State is one state of a definition. Which fields are set depends on its Type.
type State struct {
	Name    string
	Type    Type
	Comment string
	Next    string // the state after this one; empty where it ends the execution or chooses
	End     bool

	InputPath  Path
	ResultPath Path
	OutputPath Path

	// Of a Task. FunctionName is the text in the definition, placeholders as they stand.
	Resource           string
	FunctionName       string
	WaitsForToken      bool
	TimeoutSeconds     int // a task's attempt may take this long; 99999999 where nothing is given, as on AWS
	TimeoutSecondsPath string
	Retry              []Retrier
	Catch              []Catcher

	// Of a Task or a Pass, as written.
	Parameters     json.RawMessage
	ResultSelector json.RawMessage

	// Of a Wait that is told how long.
	SecondsPath string

	// Of a Choice.
	Choices []ChoiceRule
	Default string

	// Of a Fail.
	Error string
	Cause string

	parameters     *template
	resultSelector *template
	timeoutPath    *Path
	result         any // a Pass's Result
	hasResult      bool
	wait           waitUntil
}

// Retrier is one entry of a Retry.
type Retrier struct {
	ErrorEquals []string
	Interval    time.Duration // before the first retry
	BackoffRate float64       // factor from one retry's delay to the next's
	MaxAttempts int           // retries, not counting the first attempt; 0 is never
	MaxDelay    time.Duration // 0 is no limit
	FullJitter  bool          // the delay is drawn evenly from zero up to the computed one
}

// Catcher is one entry of a Catch.
type Catcher struct {
	ErrorEquals []string
	ResultPath  Path
	Next        string
}

// ChoiceRule is one entry of a Choices.
type ChoiceRule struct {
	Next string

	matches condition
	written json.RawMessage
}

// String gives the rule as it was written.
func (c ChoiceRule) String() string { return string(c.written) }

// Successor is an edge of the graph.
type Successor struct {
	Label string // "Next", "Default", "Choice 0" or "Catch 0"
	To    string
}

// Successors gives every state that may follow this one, in the order in which the interpreter would consider them.
func (s State) Successors() []Successor {
	var all []Successor
	if s.Next != "" {
		all = append(all, Successor{"Next", s.Next})
	}
	for i, rule := range s.Choices {
		all = append(all, Successor{fmt.Sprintf("Choice %d", i), rule.Next})
	}
	if s.Default != "" {
		all = append(all, Successor{"Default", s.Default})
	}
	for i, catcher := range s.Catch {
		all = append(all, Successor{fmt.Sprintf("Catch %d", i), catcher.Next})
	}
	return all
}
