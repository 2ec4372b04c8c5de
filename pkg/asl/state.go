package asl

import (
	"encoding/json"
	"fmt"
	"time"
)

// move is a transition still to be made.
type move struct {
	to   string
	data any
	raw  json.RawMessage // data as JSON
}

// follow makes moves until a state waits for something or the execution ends. It is a loop, so that a long chain of
// states that need nothing from outside takes no stack.
func (s *step) follow() {
	for s.move != nil {
		move := *s.move
		s.move = nil
		s.enter(move.to, move.data, move.raw)
	}
}

func (s *step) enter(name string, data any, raw json.RawMessage) {
	state := s.def.states[name]
	s.exec.State, s.exec.EnteredAt, s.exec.Data = name, s.now, raw
	s.exec.RetryCount, s.exec.RetriesUsed, s.exec.Phase, s.exec.Token = 0, nil, "", ""
	s.dropStateTimers()
	if s.exec.Entered++; s.exec.Entered > maxEntered {
		s.finish(Failed, nil, runtimeFault(fmt.Sprintf("The execution entered more than %d states.", maxEntered)))
		return
	}
	switch state.Type {
	case Task:
		s.attempt(state, data)
	case Choice:
		s.choose(state, data)
	case Pass:
		s.pass(state, data)
	case Wait:
		s.pause(state, data)
	case Succeed:
		s.leaveUnchanged(state, data)
	case Fail:
		s.finish(Failed, nil, newFault(state.Error, state.Cause))
	}
}

// failed ends the execution with a fault of a state that has no Retry or Catch, or where neither helped.
func (s *step) failed(f *fault) { s.finish(Failed, nil, f) }

// input applies InputPath.
func (s *step) input(state *State, data any) (any, *fault) {
	return s.selected("InputPath", state.InputPath, data)
}

func (s *step) selected(field string, path Path, data any) (any, *fault) {
	if path.null {
		return map[string]any{}, nil
	}
	value, ok := path.resolve(data, s.context)
	if !ok {
		return nil, runtimeFault(fmt.Sprintf("Invalid path '%s' in %s: no results", path, field))
	}
	return value, nil
}

// output applies ResultPath and OutputPath, and gives the state's output with its JSON.
func (s *step) output(state *State, data, result any) (any, json.RawMessage, *fault) {
	whole := data
	if !state.ResultPath.null {
		keys, _ := state.ResultPath.keys()
		var ok bool
		if whole, ok = place(data, keys, result); !ok {
			return nil, nil, newFault(errorResultPath, fmt.Sprintf("Unable to apply ResultPath '%s' to the state's input.", state.ResultPath))
		}
	}
	value, failure := s.selected("OutputPath", state.OutputPath, whole)
	if failure != nil {
		return nil, nil, failure
	}
	raw, failure := limited(value, "The output of state '"+state.Name+"'")
	return value, raw, failure
}

// limited encodes a value that must keep within the payload quota.
func limited(value any, what string) (json.RawMessage, *fault) {
	raw, err := encode(value)
	if err != nil {
		return nil, runtimeFault(err.Error())
	}
	if len(raw) > maxPayload {
		return nil, dataFault(what)
	}
	return raw, nil
}

// leave goes on with a state's output, or ends the execution with it.
func (s *step) leave(state *State, next string, output any, raw json.RawMessage) {
	if next == "" {
		s.exec.Data = raw
		s.finish(Succeeded, raw, nil)
		return
	}
	s.move = &move{next, output, raw}
}

// leaveUnchanged leaves a state that makes no result of its own: Succeed and Wait.
func (s *step) leaveUnchanged(state *State, data any) { s.leaveTo(state, state.Next, data) }

func (s *step) leaveTo(state *State, next string, data any) {
	input, failure := s.input(state, data)
	if failure != nil {
		s.failed(failure)
		return
	}
	output, raw, failure := s.output(state, input, input)
	if failure != nil {
		s.failed(failure)
		return
	}
	s.leave(state, next, output, raw)
}

func (s *step) choose(state *State, data any) {
	input, failure := s.input(state, data)
	if failure != nil {
		s.failed(failure)
		return
	}
	for _, rule := range state.Choices {
		holds, failure := rule.matches.holds(input, s.context)
		if failure != nil {
			s.failed(failure)
			return
		}
		if holds {
			s.leaveTo(state, rule.Next, data)
			return
		}
	}
	if state.Default == "" {
		s.failed(runtimeFault("Failed to transition out of the state. No choice matched, and there is no Default."))
		return
	}
	s.leaveTo(state, state.Default, data)
}

func (s *step) pass(state *State, data any) {
	input, failure := s.input(state, data)
	if failure != nil {
		s.failed(failure)
		return
	}
	result := input
	switch {
	case state.hasResult:
		result = state.result
	case state.parameters != nil:
		if result, failure = state.parameters.fill(input, s.context); failure != nil {
			s.failed(failure)
			return
		}
	}
	output, raw, failure := s.output(state, data, result)
	if failure != nil {
		s.failed(failure)
		return
	}
	s.leave(state, state.Next, output, raw)
}

func (s *step) pause(state *State, data any) {
	input, failure := s.input(state, data)
	if failure != nil {
		s.failed(failure)
		return
	}
	until, failure := s.waitEnd(state, input)
	if failure != nil {
		s.failed(failure)
		return
	}
	s.exec.Attempt++
	s.exec.Phase = Pausing
	s.setTimer(Timer{Kind: WaitTimer, Attempt: s.exec.Attempt, At: until})
}

func (s *step) waitEnd(state *State, input any) (time.Time, *fault) {
	switch wait := state.wait; {
	case wait.seconds != nil:
		return s.now.Add(time.Duration(*wait.seconds) * time.Second), nil
	case wait.secondsPath != nil:
		value, _ := wait.secondsPath.resolve(input, s.context)
		delay, ok := positiveSeconds(value, 0)
		if !ok {
			return time.Time{}, runtimeFault(fmt.Sprintf("The SecondsPath '%s' does not select a whole number of seconds.", wait.secondsPath))
		}
		return s.now.Add(delay), nil
	case wait.timestampPath != nil:
		value, _ := wait.timestampPath.resolve(input, s.context)
		text, _ := value.(string)
		at, ok := timestamp(text)
		if !ok {
			return time.Time{}, runtimeFault(fmt.Sprintf("The TimestampPath '%s' does not select an RFC 3339 time.", wait.timestampPath))
		}
		return at.UTC(), nil
	default:
		return wait.timestamp.UTC(), nil
	}
}

// context is the context object, as far as it is implemented. Times have milliseconds, as on AWS.
func (s *step) context() map[string]any {
	const format = "2006-01-02T15:04:05.000Z07:00"
	input, err := decode(s.exec.Input)
	if err != nil {
		input = nil // cannot be: Start read it
	}
	return map[string]any{
		"Execution": map[string]any{"Name": s.exec.Name, "Input": input, "StartTime": s.exec.StartedAt.Format(format)},
		"State": map[string]any{
			"Name":        s.exec.State,
			"EnteredTime": s.exec.EnteredAt.Format(format),
			"RetryCount":  json.Number(fmt.Sprint(s.exec.RetryCount)),
		},
		"Task": map[string]any{"Token": string(s.exec.Token)},
	}
}
