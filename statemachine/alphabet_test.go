package statemachine_test

import (
	"encoding/json"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// alphabet is what can happen to an execution, apart from time.
type alphabet struct {
	answers []string            // of people, by callback
	results map[string][]string // of a state's function
	errors  []string            // of any function
}

const (
	approval   = `{"decision":"approve","planHash":"h"}`
	resolution = `{"decision":"resolve","planHash":""}`
	throttled  = "Lambda.TooManyRequestsException"
)

// everything is all that the definition could tell apart: what people can
// decide and what nobody should send, every kind of result, and our own error
// names, Lambda's, the language's, and one that nobody has heard of.
func everything() alphabet {
	a := alphabet{
		answers: []string{approval, resolution, `{"decision":"escalate","planHash":""}`,
			`{"decision":"Approve"}`, `{"decision":" approve"}`, `{"decision":"approve "}`, `{"decision":""}`, `{"decision":null}`, `{"decision":true}`,
			`{"decision":["approve"]}`, `{"decision":{"decision":"approve"}}`, `{"planHash":"approve"}`, `{"approve":true}`, `{}`, `[]`, `null`, `"approve"`, `7`},
		results: something().results,
		errors: append(retryable(), "NotFound", "Invalid", "Forbidden", "Expired", "ApprovalStale", "PlanStale", "Recovered", steps.NameTargetBusy, steps.NameNotStarted,
			"Unexpected", "Runtime.Panic", "Sandbox.Timedout", "Lambda.ResourceNotFoundException", "States.Permissions", "States.TaskFailed", "Nobody.Knows"),
	}
	a.results[investigate] = append(a.results[investigate], `{"findings":7}`)
	a.results[analyze] = append(a.results[analyze], `{"analyzedBy":"rules","fixId":"restart-service"}`)
	a.results[planFix] = append(a.results[planFix], `{"planHash":"h","candidates":0}`, `{"planHash":null,"candidates":3}`)
	a.results[createTicket] = append(a.results[createTicket], `{"tracker":"simulated","key":"OPS-1","url":"http://x"}`)
	a.results[logResolution] = append(a.results[logResolution], `{"status":"RESOLVED"}`)
	var all []string
	for _, outcome := range append(outcomes(), "") {
		for n := range 8 { // what no step says, such as a fix that failed and is to be undone, is among them
			all = append(all, progress(outcome, n&1 > 0, n&2 > 0, n&4 > 0))
		}
	}
	for _, state := range fixing() {
		a.results[state] = all
	}
	return a
}

// outcomes are all that can be said of a fix.
func outcomes() []incident.Outcome {
	return []incident.Outcome{incident.Fixed, incident.Simulated, incident.Failed, incident.Unknown, incident.Applied, incident.Stale, incident.Undone}
}

// progress is what a step says that works on a fix.
func progress(outcome incident.Outcome, verified, settled, undo bool) string {
	text, err := json.Marshal(steps.FixProgress{Outcome: outcome, Verified: verified, Settled: settled, Undo: undo, WaitSeconds: 1})
	if err != nil {
		return err.Error() // no JSON: the runs show it
	}
	return string(text)
}

// said reads what a step said of a fix.
func said(text string) (p steps.FixProgress) {
	if json.Unmarshal([]byte(text), &p) != nil {
		return steps.FixProgress{}
	}
	return p
}

// something is one of each kind, for the copies that break a promise: there are
// many of them.
func something() alphabet {
	var (
		settles = progress("", false, false, false)
		done    = progress(incident.Simulated, true, true, false)
		failed  = progress(incident.Failed, false, true, false)
		applied = progress(incident.Applied, false, true, true)
		undone  = progress(incident.Applied, false, true, false)
		unsure  = progress(incident.Fixed, false, true, false)
		odd     = progress(incident.Applied, true, true, false)
	)
	return alphabet{
		answers: []string{approval, resolution, `{"decision":"escalate","planHash":""}`, `{"decision":"sudo"}`, `{}`},
		results: map[string][]string{
			investigate:   {`{"findings":0}`},
			analyze:       {`{"analyzedBy":"none","fixId":null}`},
			planFix:       {`{"planHash":null,"candidates":0}`},
			waitState:     {`{}`},
			executeFix:    {done, failed, settles, applied},
			verifyFix:     {done, settles, applied, undone, unsure, odd},
			undoFix:       {settles, undone},
			createTicket:  {`{"tracker":null,"key":null,"url":null}`},
			logResolution: {`{"status":"ESCALATED"}`},
		},
		errors: []string{"Unavailable", throttled, steps.NameTargetBusy, steps.NameNotStarted, "Forbidden", "Lambda.Unknown"},
	}
}
