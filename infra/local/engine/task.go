package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/asl"
)

// The names Step Functions gives to failures of Lambda that are not an error its function returned.
const (
	errorPanic   = "Runtime.Panic"
	errorCutOff  = "Sandbox.Timedout"
	errorMissing = "Lambda.ResourceNotFoundException"
)

type taskResult struct {
	output json.RawMessage
	err    error
	panic  bool
}

// runTask runs one task to its end and reports it to the writer. The execution tells what there is to run: between being queued
// and having its turn, the attempt may have timed out.
func (e *Engine) runTask(one run) {
	command, exec, ok := e.command(one)
	if !ok {
		return
	}
	task := e.cfg.Tasks[command.Function]
	if task == nil {
		e.report(exec, asl.TaskFailed{Attempt: command.Attempt, Error: errorMissing, Cause: cause(errorMissing, "there is no task "+command.Function)})
		return
	}
	limit, byState := e.limit(command, exec)
	ctx, cancel := context.WithTimeout(e.tasks, limit)
	defer cancel()
	results := make(chan taskResult, 1)
	go func() { e.call(ctx, task, command.Payload, exec, results) }()

	var result taskResult
	select {
	case result = <-results:
	case <-ctx.Done():
		select {
		case result = <-results:
		default:
			result.err = ctx.Err()
		}
	}
	e.settle(command, exec, result, ctx.Err(), byState)
}

// limit gives how long the call may take, and whether that is the state's own limit rather than the engine's.
func (e *Engine) limit(command asl.RunTask, exec asl.Execution) (time.Duration, bool) {
	own := command.Timeout
	if command.Waits {
		for _, timer := range exec.Timers {
			if timer.Kind == asl.CallbackTimer {
				own = timer.At.Sub(e.cfg.Now())
			}
		}
	}
	if own <= e.cfg.InvokeTimeout {
		return own, true
	}
	return e.cfg.InvokeTimeout, false
}

func (e *Engine) settle(command asl.RunTask, exec asl.Execution, result taskResult, over error, byState bool) {
	switch {
	case result.err == nil:
		e.report(exec, asl.TaskSucceeded{Attempt: command.Attempt, Output: result.output})
	case e.tasks.Err() != nil:
		// Cut off by Close: the attempt runs again after the next Open.
	case result.panic:
		e.report(exec, asl.TaskFailed{Attempt: command.Attempt, Error: errorPanic, Cause: e.causeOf(exec, errorPanic, result.err)})
	case errors.Is(over, context.DeadlineExceeded) && byState && command.Waits:
		// The state's own timer says so.
	case errors.Is(over, context.DeadlineExceeded) && byState:
		e.cfg.Log.Warn("task took too long", "execution", exec.Name, "state", exec.State, "timeout", command.Timeout)
		e.report(exec, asl.TaskTimedOut{Attempt: command.Attempt})
	case errors.Is(over, context.DeadlineExceeded):
		e.cfg.Log.Warn("task took too long", "execution", exec.Name, "state", exec.State, "timeout", e.cfg.InvokeTimeout)
		e.report(exec, asl.TaskFailed{Attempt: command.Attempt, Error: errorCutOff, Cause: cause(errorCutOff, "the call took longer than "+e.cfg.InvokeTimeout.String())})
	default:
		name := e.cfg.ErrorName(result.err)
		e.report(exec, asl.TaskFailed{Attempt: command.Attempt, Error: name, Cause: e.causeOf(exec, name, result.err)})
	}
}

// command reads what the execution wants run now, if it is still the attempt that was queued and has time left.
func (e *Engine) command(one run) (asl.RunTask, asl.Execution, bool) {
	var exec asl.Execution
	var task *asl.RunTask
	running := false
	if at, ok := e.unsynced.get(one.name); ok {
		exec, task, running = at.exec, at.task, at.exec.Status == asl.Running
	} else if err := e.cfg.DB.View(func(r commit.Reader) (err error) {
		exec, task, running, err = e.recent.read(r, one.name)
		return err
	}); err != nil {
		e.cfg.Log.Error("execution cannot be read", "execution", one.name, "error", err)
		return asl.RunTask{}, exec, false
	}
	overdue := dueAt(exec) <= e.cfg.Now().UnixMilli()
	if !running || exec.Phase != asl.Invoking || exec.Attempt != one.attempt || overdue {
		return asl.RunTask{}, exec, false
	}
	if task != nil && task.Attempt == one.attempt {
		return *task, exec, true
	}
	commands, err := asl.Pending(e.definitions[exec.Digest], exec)
	if err != nil {
		e.cfg.Log.Error("execution cannot be carried on", "execution", one.name, "error", err)
		return asl.RunTask{}, exec, false
	}
	for _, command := range commands {
		if command, ok := command.(asl.RunTask); ok {
			return command, exec, true
		}
	}
	return asl.RunTask{}, exec, false
}

// call turns a panic into the task's error: one bad task does not end the process, and with it every other execution.
func (e *Engine) call(ctx context.Context, task TaskFunc, payload json.RawMessage, exec asl.Execution, results chan<- taskResult) {
	result := taskResult{panic: true}
	defer func() {
		if result.panic {
			value := recover() // nil after runtime.Goexit
			e.cfg.Log.Error("task panicked", "execution", exec.Name, "state", exec.State, "type", fmt.Sprintf("%T", value), "stack", string(debug.Stack()))
			result.err = fmt.Errorf("panic: %v", value)
		}
		results <- result
	}()
	output, err := task(ctx, payload)
	if err == nil && len(output) == 0 {
		output = json.RawMessage("null")
	}
	result = taskResult{output: output, err: err}
}

// report hands what happened to the writer, which keeps it until it is on disk. Only Close can keep it from getting there.
func (e *Engine) report(exec asl.Execution, event asl.Event) {
	e.enqueue(&op{name: exec.Name, kind: opEvent, event: event}, e.tasks.Done())
}

// causeOf is Lambda's form of an error. A token that found its way into the error's text does not stay in it.
func (e *Engine) causeOf(exec asl.Execution, name string, err error) string {
	text := err.Error()
	if exec.Token != "" {
		text = strings.ReplaceAll(text, string(exec.Token), exec.Token.String())
	}
	return cause(name, text)
}

func cause(name, message string) string {
	text, err := json.Marshal(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{message, name})
	if err != nil {
		return message // cannot be: these are strings
	}
	return string(text)
}
