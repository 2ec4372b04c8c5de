package asl

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"time"
)

// attempt begins a task's first try, or the next after a RetryTimer.
func (s *step) attempt(state *State, data any) {
	s.dropStateTimers()
	s.exec.Attempt++
	s.exec.Phase, s.exec.Token = Invoking, ""
	if state.WaitsForToken {
		s.exec.Token = s.env.NewToken(s.exec.Name, s.exec.Attempt)
	}
	run, timeout, failure := s.taskCommand(state, data)
	if failure != nil {
		s.failState(state, data, failure)
		return
	}
	s.commands = append(s.commands, run)
	if state.WaitsForToken {
		s.setTimer(Timer{Kind: CallbackTimer, Attempt: s.exec.Attempt, At: s.now.Add(timeout)})
	}
}

// runTask makes the current attempt's command again. It depends on nothing but the execution.
func (s *step) runTask(state *State) (RunTask, *fault) {
	data, err := decode(s.exec.Data)
	if err != nil {
		return RunTask{}, runtimeFault(err.Error())
	}
	run, _, failure := s.taskCommand(state, data)
	return run, failure
}

func (s *step) taskCommand(state *State, data any) (RunTask, time.Duration, *fault) {
	input, failure := s.input(state, data)
	if failure != nil {
		return RunTask{}, 0, failure
	}
	timeout := time.Duration(state.TimeoutSeconds) * time.Second
	if state.timeoutPath != nil {
		value, _ := state.timeoutPath.resolve(input, s.context)
		var ok bool
		if timeout, ok = positiveSeconds(value, 1); !ok {
			return RunTask{}, 0, runtimeFault(fmt.Sprintf("The TimeoutSecondsPath '%s' does not select a positive whole number.", state.timeoutPath))
		}
	}
	parameters, failure := state.parameters.fill(input, s.context)
	if failure != nil {
		return RunTask{}, 0, failure
	}
	arguments, _ := parameters.(map[string]any)
	payload, failure := limited(arguments["Payload"], "The input of state '"+state.Name+"'")
	if failure != nil {
		return RunTask{}, 0, failure
	}
	run := RunTask{Attempt: s.exec.Attempt, Function: state.FunctionName, Payload: payload, Waits: state.WaitsForToken}
	if !state.WaitsForToken {
		run.Timeout = timeout
	}
	return run, timeout, nil
}

func (s *step) taskSucceeded(ev TaskSucceeded) error {
	if s.exec.Phase != Invoking || ev.Attempt != s.exec.Attempt {
		return ErrStale
	}
	state := s.def.states[s.exec.State]
	if state.WaitsForToken {
		s.exec.Phase = Awaiting
		return nil
	}
	return s.withData(func(data any) {
		payload, err := decode(ev.Output)
		switch {
		case len(ev.Output) > maxPayload:
			s.failState(state, data, dataFault("The result of state '"+state.Name+"'"))
		case err != nil:
			s.failState(state, data, newFault(errorTaskFailed, "The function's result is not JSON: "+err.Error()))
		default:
			s.taskResult(state, data, map[string]any{"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200})
		}
	})
}

// taskFailed takes the failure of a function. It fails a task that waits for its token too, as on AWS, unless the
// function had already returned.
func (s *step) taskFailed(attempt int, failure *fault) error {
	if s.exec.Phase != Invoking || attempt != s.exec.Attempt {
		return ErrStale
	}
	return s.withData(func(data any) { s.failState(s.def.states[s.exec.State], data, failure) })
}

// callbackSucceeded takes the callback even while the function still runs: the function gives the token away before it returns.
func (s *step) callbackSucceeded(ev CallbackSucceeded) error {
	if !s.expects(ev.Token) {
		return ErrTaskTimedOut
	}
	if len(ev.Output) > maxPayload {
		return ErrInvalidOutput
	}
	result, err := decode(ev.Output)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidOutput, err)
	}
	return s.withData(func(data any) { s.taskResult(s.def.states[s.exec.State], data, result) })
}

func (s *step) callbackFailed(ev CallbackFailed) error {
	if !s.expects(ev.Token) {
		return ErrTaskTimedOut
	}
	return s.withData(func(data any) {
		s.failState(s.def.states[s.exec.State], data, newFault(ev.Error, ev.Cause))
	})
}

// expects tells whether the token is the current attempt's, and its time has not come. A timer that is due but has not
// been delivered yet, as after a restart, counts as come.
func (s *step) expects(token Token) bool {
	if token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.exec.Token)) == 0 {
		return false
	}
	for _, timer := range s.exec.Timers {
		if !s.now.Before(timer.At) {
			return false
		}
	}
	return true
}

func (s *step) taskResult(state *State, data, result any) {
	if state.resultSelector != nil {
		var failure *fault
		if result, failure = state.resultSelector.fill(result, s.context); failure != nil {
			s.failState(state, data, failure)
			return
		}
	}
	output, raw, failure := s.output(state, data, result)
	if failure != nil {
		s.failState(state, data, failure)
		return
	}
	s.leave(state, state.Next, output, raw)
}

// failState retries, catches or ends the execution, in this order. Only the first retrier that names the error is asked;
// when it has no attempts left, no later one is.
func (s *step) failState(state *State, data any, failure *fault) {
	s.dropStateTimers()
	s.exec.Phase, s.exec.Token = "", ""
	for i, retrier := range state.Retry {
		if !failure.matchedBy(retrier.ErrorEquals) {
			continue
		}
		if s.retry(state, i) {
			return
		}
		break
	}
	for _, catcher := range state.Catch {
		if failure.matchedBy(catcher.ErrorEquals) {
			s.catch(catcher, data, failure)
			return
		}
	}
	s.failed(failure)
}

func (s *step) retry(state *State, index int) bool {
	if s.exec.RetriesUsed == nil {
		s.exec.RetriesUsed = make([]int, len(state.Retry))
	}
	retrier := state.Retry[index]
	used := s.exec.RetriesUsed[index]
	if used >= retrier.MaxAttempts {
		return false
	}
	s.exec.RetriesUsed[index]++
	s.exec.RetryCount++
	s.exec.Phase = BackOff
	s.setTimer(Timer{Kind: RetryTimer, Attempt: s.exec.Attempt, At: s.now.Add(retrier.Delay(used, s.env.Rand()))})
	return true
}

// Delay is the time before the retry that follows used earlier ones of this retrier. Random is from [0, 1), and counts
// only with full jitter.
func (r Retrier) Delay(used int, random float64) time.Duration {
	seconds := min(r.Interval.Seconds()*math.Pow(r.BackoffRate, float64(used)), maxSeconds)
	if r.MaxDelay > 0 {
		seconds = min(seconds, r.MaxDelay.Seconds())
	}
	if r.FullJitter {
		seconds *= random
	}
	return time.Duration(seconds * float64(time.Second))
}

// catch puts the error into the state's raw input, before InputPath, as AWS does. OutputPath has no say in it.
func (s *step) catch(catcher Catcher, data any, failure *fault) {
	output := data
	if !catcher.ResultPath.null {
		keys, _ := catcher.ResultPath.keys()
		var ok bool
		if output, ok = place(data, keys, map[string]any{"Error": failure.name, "Cause": failure.cause}); !ok {
			s.failed(newFault(errorResultPath, fmt.Sprintf("Unable to apply a Catch's ResultPath '%s' to the state's input.", catcher.ResultPath)))
			return
		}
	}
	raw, limit := limited(output, "The output of state '"+s.exec.State+"'")
	if limit != nil {
		s.failed(limit)
		return
	}
	s.move = &move{catcher.Next, output, raw}
}

// IsStale tells that an event came too late to change anything.
func IsStale(err error) bool { return errors.Is(err, ErrStale) || errors.Is(err, ErrTaskTimedOut) }
