package asl

import (
	"encoding/json"
	"log/slog"
	"time"
)

// Status is where an execution stands.
type Status string

// An execution runs until it has one of the other three.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
)

// Execution is the whole state of one run, as plain data: written as JSON and read back, it goes on where it was. Its
// zero value has not started. Functions of this package never change one in place.
type Execution struct {
	Name      string          `json:"name"`
	Digest    string          `json:"definition"` // of the definition it began with, and stays on
	Status    Status          `json:"status"`
	Input     json.RawMessage `json:"input"`
	StartedAt time.Time       `json:"startedAt"`

	// State is the state it is in, EnteredAt when it came there, and Data what it came there with.
	State     string          `json:"state"`
	EnteredAt time.Time       `json:"enteredAt"`
	Data      json.RawMessage `json:"data"`
	Entered   int             `json:"entered"` // states entered so far

	// Attempt numbers every attempt of every state, so that what belongs to an earlier one is known to be late.
	Attempt     int     `json:"attempt"`
	Phase       Phase   `json:"phase,omitempty"`
	RetryCount  int     `json:"retryCount"`            // of this state, over all retriers
	RetriesUsed []int   `json:"retriesUsed,omitempty"` // of this state, by retrier
	Token       Token   `json:"token,omitempty"`       // what this attempt's callback must bring
	Timers      []Timer `json:"timers,omitempty"`

	EndedAt time.Time       `json:"endedAt,omitzero"`
	Output  json.RawMessage `json:"output,omitempty"`
	Error   string          `json:"error,omitempty"`
	Cause   string          `json:"cause,omitempty"`
}

// Phase is what the current state waits for.
type Phase string

// The phases of a running execution. One that has finished has none.
const (
	Invoking Phase = "invoking" // a task's function
	Awaiting Phase = "awaiting" // the callback of a task whose function has returned
	BackOff  Phase = "backoff"  // the next attempt of a task that failed
	Pausing  Phase = "pausing"  // a Wait state's time
)

// TimerKind tells what a timer is for.
type TimerKind string

// The kinds of timer.
const (
	ExecutionTimer TimerKind = "execution" // the definition's TimeoutSeconds
	CallbackTimer  TimerKind = "callback"  // the timeout of a task that waits for its token
	RetryTimer     TimerKind = "retry"     // the delay before a retry
	WaitTimer      TimerKind = "wait"      // a Wait state
)

// Timer is a time at which the execution wants a [TimerFired].
type Timer struct {
	Kind    TimerKind `json:"kind"`
	Attempt int       `json:"attempt"` // 0 for ExecutionTimer
	At      time.Time `json:"at"`
}

// Token is a task token: its holder can finish the task. It shows itself in JSON only, because an execution is stored that
// way, and never in a log or a printed value.
type Token string

// String hides the token.
func (Token) String() string { return "[task token]" }

// GoString hides the token.
func (t Token) GoString() string { return t.String() }

// LogValue hides the token.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Finished tells that nothing will happen to the execution any more.
func (e Execution) Finished() bool { return e.Status != "" && e.Status != Running }

// Due gives the earliest timer, and whether there is one.
func (e Execution) Due() (Timer, bool) {
	if len(e.Timers) == 0 {
		return Timer{}, false
	}
	first := e.Timers[0]
	for _, timer := range e.Timers[1:] {
		if timer.At.Before(first.At) {
			first = timer
		}
	}
	return first, true
}
