package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// longestCall is what Lambda and the local engine allow one call of a function.
const longestCall = 15 * time.Minute

// The names under which the workflow hears of failures that no step reported.
const (
	errorThrottled = "Lambda.TooManyRequestsException"
	errorUnknown   = "Lambda.Unknown"
	errorCutOff    = "Sandbox.Timedout"
)

// invoke calls a function: at once or later, once or twice, or not at all.
func (e *engine) invoke(name string, run asl.RunTask) {
	w := e.w
	if w.chance(w.profile.throttle) {
		e.soon(w.latency(), func() {
			e.tell(name, asl.TaskFailed{Attempt: run.Attempt, Error: errorThrottled})
		})
		return
	}
	if w.stepNames[run.Function] == "ExecuteFix" {
		e.fixes[name] = run
	}
	e.soon(w.latency(), func() { e.run(name, run) })
	if w.chance(w.profile.duplicate) {
		e.soon(w.lag(), func() { e.run(name, run) })
	}
	if !run.Waits {
		e.soon(run.Timeout, func() { e.tellIfWaiting(name, asl.TaskTimedOut{Attempt: run.Attempt}, run.Attempt) })
		return
	}
	e.soon(longestCall, func() {
		e.tellIfWaiting(name, asl.TaskFailed{Attempt: run.Attempt, Error: errorCutOff}, run.Attempt)
	})
}

// fixAgain delivers a call of execute-fix once more, when others have just given
// it up and the incident is about to end.
func (e *engine) fixAgain(name string) {
	run, called := e.fixes[name]
	if e.w.chance(0.5) && e.w.profile.duplicate > 0 && called {
		e.soon(time.Duration(e.w.rng.IntN(100))*time.Millisecond, func() { e.run(name, run) })
	}
}

// lag is how much later a call is delivered a second time.
func (w *World) lag() time.Duration {
	switch w.rng.IntN(4) {
	case 0:
		return time.Duration(w.rng.IntN(20_000)) * time.Millisecond
	case 1:
		return time.Duration(w.rng.IntN(20*60)) * time.Second
	}
	return w.latency()
}

// tellIfWaiting keeps time-outs of what ended in time out of the trace.
func (e *engine) tellIfWaiting(name string, ev asl.Event, attempt int) {
	if exec := e.execs[name]; exec.Phase == asl.Invoking && exec.Attempt == attempt {
		e.tell(name, ev)
	}
}

// run is one call of a function. What it answers may be heard late, after others.
func (e *engine) run(name string, run asl.RunTask) {
	w := e.w
	short := w.stepNames[run.Function]
	w.spawn(fmt.Sprintf("%s#%d", short, run.Attempt), true, func(t *task) {
		output, err := t.handle(run.Function, run.Payload)
		switch {
		case t.dead && w.profile.oneProcess:
		case t.dead:
			if w.rng.IntN(2) == 0 { // else its time-out tells
				e.soon(w.latency(), func() { e.tell(name, asl.TaskFailed{Attempt: run.Attempt, Error: errorUnknown}) })
			}
		case err != nil:
			w.note(t.actor, "fails", w.name(ref(name)), told(err))
			e.soon(w.latency(), func() {
				e.tell(name, asl.TaskFailed{Attempt: run.Attempt, Error: steps.ErrorName(err), Cause: causeOf(err)})
			})
		default:
			e.soon(w.latency(), func() { e.tell(name, asl.TaskSucceeded{Attempt: run.Attempt, Output: output}) })
		}
	})
}

// causeOf is Lambda's form of an error.
func causeOf(err error) string {
	text, wrong := json.Marshal(map[string]string{"errorMessage": err.Error(), "errorType": steps.ErrorName(err)})
	if wrong != nil {
		return err.Error()
	}
	return string(text)
}

// handle runs the step behind a function's name, as its Lambda would.
func (t *task) handle(function string, payload json.RawMessage) (json.RawMessage, error) {
	s := t.steps()
	switch function {
	case "${InvestigateFunctionArn}":
		return handle(payload, steps.Investigate{}.Handle)
	case "${AnalyzeFunctionArn}":
		return handle(payload, s.Analyze.Handle)
	case "${PlanFixFunctionArn}":
		return handle(payload, s.Plan.Handle)
	case "${WaitForApprovalFunctionArn}":
		return handle(payload, func(ctx context.Context, in steps.WaitInput) (struct{}, error) {
			return struct{}{}, s.Wait.Handle(ctx, in)
		})
	case "${ExecuteFixFunctionArn}":
		return handle(payload, s.ExecuteFix)
	case "${VerifyFixFunctionArn}":
		return handle(payload, t.watched(s.VerifyFix))
	case "${UndoFixFunctionArn}":
		return handle(payload, s.UndoFix)
	case "${CreateTicketFunctionArn}":
		return handle(payload, s.CreateTicket)
	case "${LogResolutionFunctionArn}":
		return handle(payload, s.Close.Handle)
	}
	return nil, incident.BadField("", "there is no function %s", function)
}

func handle[In, Out any](payload json.RawMessage, step func(context.Context, In) (Out, error)) (json.RawMessage, error) {
	var in In
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, incident.BadField("", "the step's input cannot be read: %v", err)
	}
	out, err := step(context.Background(), in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}
