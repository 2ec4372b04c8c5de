package statemachine_test

import (
	"fmt"

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
	a.results[analyze] = append(a.results[analyze], `{"analyzedBy":"rules","fixId":"restart-service"}`)
	a.results[createTicket] = append(a.results[createTicket], `{"tracker":"simulated","key":"OPS-1","url":"http://x"}`)
	a.results[logResolution] = append(a.results[logResolution], `{"status":"RESOLVED"}`)
	a.results[executeFix] = nil
	for _, outcome := range []string{"fixed", "simulated", "failed", "unknown", ""} {
		a.results[executeFix] = append(a.results[executeFix], fmt.Sprintf(`{"outcome":%q,"verified":true}`, outcome), fmt.Sprintf(`{"outcome":%q,"verified":false}`, outcome))
	}
	return a
}

// something is one of each kind, for the copies that break a promise: there are
// many of them.
func something() alphabet {
	return alphabet{
		answers: []string{approval, resolution, `{"decision":"escalate","planHash":""}`, `{"decision":"sudo"}`, `{}`},
		results: map[string][]string{
			analyze:       {`{"analyzedBy":"none","fixId":null}`},
			waitState:     {`{}`},
			executeFix:    {`{"outcome":"simulated","verified":true}`, `{"outcome":"unknown","verified":false}`},
			createTicket:  {`{"tracker":null,"key":null,"url":null}`},
			logResolution: {`{"status":"ESCALATED"}`},
		},
		errors: []string{"Unavailable", throttled, steps.NameTargetBusy, steps.NameNotStarted, "Forbidden", "Lambda.Unknown"},
	}
}
