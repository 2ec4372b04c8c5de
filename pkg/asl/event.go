package asl

import (
	"encoding/json"
	"errors"
	"time"
)

// Event is something that happened to an execution.
type Event interface{ event() }

// Start begins an execution that has not started.
type Start struct {
	Name  string
	Input json.RawMessage
}

// TaskSucceeded is a task's function returning. For a task that waits for its token it means only that the function
// was done; what it returned is dropped.
type TaskSucceeded struct {
	Attempt int
	Output  json.RawMessage
}

// TaskFailed is a task's function failing. Error is the name that ErrorEquals matches.
type TaskFailed struct {
	Attempt int
	Error   string
	Cause   string // for Lambda: JSON {"errorMessage", "errorType"}
}

// TaskTimedOut is a task's function taking longer than its RunTask.Timeout.
type TaskTimedOut struct{ Attempt int }

// CallbackSucceeded is SendTaskSuccess. Its output is the task's result.
type CallbackSucceeded struct {
	Token  Token
	Output json.RawMessage
}

// CallbackFailed is SendTaskFailure.
type CallbackFailed struct {
	Token Token
	Error string
	Cause string
}

// TimerFired is a timer's time having come.
type TimerFired struct {
	Kind    TimerKind
	Attempt int
}

func (Start) event()             {}
func (TaskSucceeded) event()     {}
func (TaskFailed) event()        {}
func (TaskTimedOut) event()      {}
func (CallbackSucceeded) event() {}
func (CallbackFailed) event()    {}
func (TimerFired) event()        {}

// Command is something to do once the execution is stored.
type Command interface{ command() }

// RunTask calls a function. It may be called again for the same attempt after a crash.
type RunTask struct {
	Attempt  int
	Function string
	Payload  json.RawMessage // holds the task token of a task that waits for one
	Waits    bool            // a callback finishes the task, not the function's return

	// Timeout runs from the function's start, as on AWS. It is 0 for a task that waits for its token: there the time
	// runs from the attempt's beginning, and is a timer of the execution.
	Timeout time.Duration
}

// SetTimer asks for a TimerFired. A timer of the same kind set before is void.
type SetTimer struct{ Timer Timer }

// Finish tells that the execution has ended.
type Finish struct{ Status Status }

func (RunTask) command()  {}
func (SetTimer) command() {}
func (Finish) command()   {}

// Env is what a step needs from the world.
type Env struct {
	Now      time.Time
	Rand     func() float64 // even in [0, 1); for a retry's jitter
	NewToken func(execution string, attempt int) Token
}

var (
	// ErrStale means that the event came too late to matter: its attempt is over, or the execution has finished. The
	// execution stays as it was.
	ErrStale = errors.New("the event belongs to an attempt that is over")
	// ErrTaskTimedOut means that a callback's token is not, or no longer, one that the execution waits for.
	ErrTaskTimedOut = errors.New("the task has finished or timed out")
	// ErrInvalidOutput means that a callback's output is not JSON or has more than 262,144 bytes. The task still waits.
	ErrInvalidOutput = errors.New("output is not JSON of at most 262144 bytes")
	// ErrInvalidInput means that an execution's input is not JSON or has more than 262,144 bytes.
	ErrInvalidInput = errors.New("input is not JSON of at most 262144 bytes")
	// ErrAlreadyStarted means that Start came to an execution that has started.
	ErrAlreadyStarted = errors.New("the execution has already started")
	// ErrWrongDefinition means that the execution began with another definition.
	ErrWrongDefinition = errors.New("the execution began with another definition")
)
