package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxEntered bounds a loop that never waits. AWS ends an execution at 25,000 events of its history; entering and leaving
// a state makes at least two.
const maxEntered = 12_500

// Next gives the execution after the event, and the commands to carry out once it is stored. An event that changes
// nothing is an error: [ErrStale], [ErrTaskTimedOut] or one of the other errors of this package. The execution returned
// with an error is the one passed in.
func Next(def *Definition, exec Execution, ev Event, env Env) (Execution, []Command, error) {
	if def == nil || env.Now.IsZero() || env.Rand == nil || env.NewToken == nil {
		return exec, nil, errors.New("asl: Next needs a definition, a time, randomness and a source of tokens")
	}
	s := &step{def: def, exec: exec, env: env, now: env.Now.UTC().Round(0)}
	s.exec.Timers = slices.Clone(exec.Timers)
	s.exec.RetriesUsed = slices.Clone(exec.RetriesUsed)
	if err := s.apply(ev); err != nil {
		return exec, nil, err
	}
	s.follow()
	return s.exec, s.commands, nil
}

// Pending gives the commands that a running execution waits for. An engine asks for them when it reads the execution back
// after a crash.
func Pending(def *Definition, exec Execution) ([]Command, error) {
	if exec.Status != Running {
		return nil, nil
	}
	if exec.Digest != def.digest {
		return nil, ErrWrongDefinition
	}
	var commands []Command
	if exec.Phase == Invoking {
		s := &step{def: def, exec: exec}
		run, fault := s.runTask(def.states[exec.State])
		if fault != nil {
			return nil, fmt.Errorf("asl: execution %s, state %s: %s: %s", exec.Name, exec.State, fault.name, fault.cause)
		}
		commands = append(commands, run)
	}
	for _, timer := range exec.Timers {
		commands = append(commands, SetTimer{timer})
	}
	return commands, nil
}

// step is one call of Next at work.
type step struct {
	def      *Definition
	exec     Execution
	env      Env
	now      time.Time
	commands []Command
	move     *move
}

func (s *step) apply(ev Event) error {
	if start, ok := ev.(Start); ok {
		return s.start(start)
	}
	switch {
	case s.exec.Finished() && isCallback(ev):
		return ErrTaskTimedOut
	case s.exec.Finished():
		return ErrStale
	case s.exec.Status != Running:
		return errors.New("asl: the execution has not started")
	case s.exec.Digest != s.def.digest:
		return ErrWrongDefinition
	}
	switch ev := ev.(type) {
	case TaskSucceeded:
		return s.taskSucceeded(ev)
	case TaskFailed:
		return s.taskFailed(ev.Attempt, newFault(ev.Error, ev.Cause))
	case TaskTimedOut:
		return s.taskFailed(ev.Attempt, newFault(errorTimeout, ""))
	case CallbackSucceeded:
		return s.callbackSucceeded(ev)
	case CallbackFailed:
		return s.callbackFailed(ev)
	case TimerFired:
		return s.timerFired(ev)
	default:
		return fmt.Errorf("asl: unknown event %T", ev)
	}
}

func isCallback(ev Event) bool {
	switch ev.(type) {
	case CallbackSucceeded, CallbackFailed:
		return true
	default:
		return false
	}
}

func (s *step) start(ev Start) error {
	if s.exec.Status != "" {
		return ErrAlreadyStarted
	}
	if len(ev.Input) > maxPayload {
		return ErrInvalidInput
	}
	data, err := decode(ev.Input)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidInput, err)
	}
	s.exec = Execution{Name: ev.Name, Digest: s.def.digest, Status: Running, Input: ev.Input, StartedAt: s.now}
	if s.def.timeoutSeconds > 0 {
		s.setTimer(Timer{Kind: ExecutionTimer, At: s.now.Add(time.Duration(s.def.timeoutSeconds) * time.Second)})
	}
	s.move = &move{s.def.startAt, data, ev.Input}
	return nil
}

func (s *step) timerFired(ev TimerFired) error {
	at := slices.IndexFunc(s.exec.Timers, func(t Timer) bool { return t.Kind == ev.Kind && t.Attempt == ev.Attempt })
	if at < 0 || s.now.Before(s.exec.Timers[at].At) {
		return ErrStale
	}
	s.exec.Timers = slices.Delete(s.exec.Timers, at, at+1)
	state := s.def.states[s.exec.State]
	switch ev.Kind {
	case ExecutionTimer:
		s.finish(TimedOut, nil, newFault(errorTimeout, ""))
		return nil
	case WaitTimer:
		return s.withData(func(data any) { s.leaveUnchanged(state, data) })
	case RetryTimer:
		return s.withData(func(data any) { s.attempt(state, data) })
	default:
		return s.withData(func(data any) { s.failState(state, data, newFault(errorTimeout, "")) })
	}
}

// withData reads the current state's input, which Next itself wrote.
func (s *step) withData(use func(data any)) error {
	data, err := decode(s.exec.Data)
	if err != nil {
		return fmt.Errorf("asl: execution %s, state %s: stored data: %w", s.exec.Name, s.exec.State, err)
	}
	use(data)
	return nil
}

func (s *step) setTimer(timer Timer) {
	s.exec.Timers = slices.DeleteFunc(s.exec.Timers, func(t Timer) bool { return t.Kind == timer.Kind })
	s.exec.Timers = append(s.exec.Timers, timer)
	s.commands = append(s.commands, SetTimer{timer})
}

// dropStateTimers forgets what the attempt that is over was waiting for.
func (s *step) dropStateTimers() {
	s.exec.Timers = slices.DeleteFunc(s.exec.Timers, func(t Timer) bool { return t.Kind != ExecutionTimer })
}

func (s *step) finish(status Status, output json.RawMessage, failure *fault) {
	s.exec.Status, s.exec.EndedAt, s.exec.Output = status, s.now, output
	if failure != nil {
		s.exec.Error, s.exec.Cause = failure.name, failure.cause
	}
	s.exec.Phase, s.exec.Token, s.exec.Timers, s.exec.RetriesUsed = "", "", nil, nil
	s.commands = []Command{Finish{status}}
}
