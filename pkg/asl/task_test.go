package asl

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTaskResult(t *testing.T) {
	cases := []struct{ name, fields, input, result, output, failure string }{
		{name: "as Lambda's integration gives it", fields: `,"End":true`, input: `{"a":1}`, result: `{"b":2}`, output: `{"ExecutedVersion":"$LATEST","Payload":{"b":2},"StatusCode":200}`},
		{name: "selected", fields: `,"ResultSelector":{"x.$":"$.Payload.b","n.$":"$$.State.Name"},"End":true`, input: `{"a":1}`, result: `{"b":2}`, output: `{"n":"S","x":2}`},
		{name: "put beside the input", fields: `,"ResultSelector":{"x.$":"$.Payload"},"ResultPath":"$.r","OutputPath":"$.r.x","End":true`, input: `{"a":1}`, result: `2`, output: `2`},
		{name: "dropped", fields: `,"ResultPath":null,"End":true`, input: `{"a":1}`, result: `2`, output: `{"a":1}`},
		{name: "selector to nothing", fields: `,"ResultSelector":{"x.$":"$.Payload.z"},"Catch":[{"ErrorEquals":["States.ALL"],"Next":"End"}],"Next":"End"`, input: `{}`, result: `{}`, failure: errorRuntime},
		{name: "put through a number, caught", fields: `,"ResultPath":"$.a.b","Catch":[{"ErrorEquals":["States.ResultPathMatchFailure"],"ResultPath":null,"Next":"End"}],"Next":"End"`, input: `{"a":1}`, result: `2`, output: `{"a":1}`},
		{name: "no JSON", fields: `,"End":true`, input: `{}`, result: `oops`, failure: errorTaskFailed},
		{name: "over the quota", fields: `,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"End"}],"Next":"End"`, input: `{}`, result: `"` + strings.Repeat("x", maxPayload) + `"`, failure: errorDataLimit},
		{name: "over the quota and caught by name", fields: `,"Catch":[{"ErrorEquals":["States.DataLimitExceeded"],"ResultPath":null,"Next":"End"}],"Next":"End"`, input: `{}`, result: `"` + strings.Repeat("x", maxPayload) + `"`, output: `{}`},
		{name: "over the quota with what surrounds it", fields: `,"End":true`, input: `{}`, result: `"` + strings.Repeat("x", maxPayload-2) + `"`, failure: errorDataLimit},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			definition := machine(task(c.fields))
			if strings.Contains(c.fields, `"Next":"End"`) {
				definition = machine(task(c.fields), end)
			}
			h := start(t, definition, c.input)
			run := h.run()
			if run.Function != "F" || string(run.Payload) != c.input || run.Waits || run.Timeout != maxSeconds*time.Second {
				t.Fatalf("ran %+v", run)
			}
			h.succeed(c.result)
			if c.failure != "" {
				h.wantError(c.failure)
				return
			}
			h.wantOutput(c.output)
		})
	}
}

func TestErrorNames(t *testing.T) {
	cases := []struct {
		failure string
		names   string
		caught  bool
	}{
		{"Mine", `"Mine"`, true},
		{"Mine", `"Other","Mine"`, true},
		{"Mine", `"mine"`, false},
		{"Mine", `"States.ALL"`, true},
		{"Mine", `"States.TaskFailed"`, true},
		{errorTimeout, `"States.ALL"`, true},
		{errorTimeout, `"States.Timeout"`, true},
		{errorTimeout, `"States.TaskFailed"`, false},
		{errorResultPath, `"States.ALL"`, true},
		{errorRuntime, `"States.ALL"`, false},
		{errorRuntime, `"States.TaskFailed"`, false},
		{errorDataLimit, `"States.ALL"`, false},
		{errorDataLimit, `"States.TaskFailed"`, false},
		{errorDataLimit, `"States.DataLimitExceeded"`, true},
	}
	for _, c := range cases {
		t.Run(c.failure+" by "+c.names, func(t *testing.T) {
			h := start(t, machine(task(`,"Catch":[{"ErrorEquals":[`+c.names+`],"Next":"End"}],"Next":"End"`), end), `{"a":1}`)
			h.fail(c.failure)
			if !c.caught {
				h.wantError(c.failure)
				return
			}
			h.wantOutput(`{"Cause":"because","Error":"` + c.failure + `"}`)

			h = start(t, machine(task(`,"Retry":[{"ErrorEquals":[`+c.names+`]}],"End":true`)), `{"a":1}`)
			h.fail(c.failure)
			if h.exec.Phase != BackOff {
				t.Errorf("caught, but not retried: %s", h.exec.Error)
			}
		})
	}
}

func TestCatchTakesTheRawInput(t *testing.T) {
	h := start(t, machine(task(`,"InputPath":"$.in","OutputPath":"$.nowhere","Catch":[{"ErrorEquals":["Other"],"Next":"Other"},{"ErrorEquals":["States.ALL"],"ResultPath":"$.error.first","Next":"End"}],"Next":"End"`),
		end, `"Other":{"Type":"Fail"}`), `{"in":{"a":1},"b":2}`)
	if payload := string(h.run().Payload); payload != `{"a":1}` {
		t.Errorf("payload %s, want what InputPath selects", payload)
	}
	h.fail("Mine")
	h.wantOutput(`{"b":2,"error":{"first":{"Cause":"because","Error":"Mine"}},"in":{"a":1}}`)
}

func TestCatchThatCannotBePutFailsTheExecution(t *testing.T) {
	h := start(t, machine(task(`,"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error","Next":"End"}],"Next":"End"`), end), `[1]`)
	h.fail("Mine")
	h.wantError(errorResultPath)
}

func TestParametersToNothingFailTheExecutionUncaught(t *testing.T) {
	h := start(t, machine(strings.Replace(task(`,"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"End"}],"Next":"End"`), `"$"`, `"$.none"`, 1), end), `{}`)
	h.wantError(errorRuntime)
	if !strings.Contains(h.exec.Cause, "'$.none' specified for the field 'Payload.$' could not be found") {
		t.Errorf("cause %q does not say which path", h.exec.Cause)
	}
}

func TestTaskTimeout(t *testing.T) {
	cases := []struct {
		fields, input string
		want          time.Duration
	}{
		{`,"TimeoutSeconds":7`, `{}`, 7 * time.Second},
		{`,"TimeoutSecondsPath":"$.t"`, `{"t":9}`, 9 * time.Second},
	}
	for _, c := range cases {
		h := start(t, machine(task(c.fields+`,"Retry":[{"ErrorEquals":["States.Timeout"],"MaxAttempts":1}],"End":true`)), c.input)
		first := h.run()
		if first.Timeout != c.want {
			t.Fatalf("%s: timeout %s, want %s", c.fields, first.Timeout, c.want)
		}
		h.must(TaskTimedOut{first.Attempt})
		h.fire()
		second := h.run()
		if second.Timeout != c.want || second.Attempt == first.Attempt {
			t.Fatalf("%s: each attempt has its own time; second is %+v", c.fields, second)
		}
		h.wantStale(TaskSucceeded{first.Attempt, []byte(`1`)}, ErrStale)
		h.wantStale(TaskFailed{first.Attempt, "E", ""}, ErrStale)
		h.wantStale(TaskTimedOut{first.Attempt}, ErrStale)
		h.must(TaskTimedOut{second.Attempt})
		h.wantError(errorTimeout)
	}
	for _, input := range []string{`{}`, `{"t":0}`, `{"t":-1}`, `{"t":1.5}`, `{"t":"9"}`, `{"t":null}`, `{"t":1e99}`} {
		start(t, machine(task(`,"TimeoutSecondsPath":"$.t","Catch":[{"ErrorEquals":["States.ALL"],"Next":"End"}],"Next":"End"`), end), input).wantError(errorRuntime)
	}
}

func TestLongErrorsAreCut(t *testing.T) {
	h := start(t, machine(task(`,"End":true`)), `{}`)
	h.must(TaskFailed{h.exec.Attempt, strings.Repeat("n", 300), strings.Repeat("é", maxErrorCause)})
	if len(h.exec.Error) != maxErrorName || len(h.exec.Cause) != maxErrorCause || strings.Contains(h.exec.Cause, "\ufffd") {
		t.Errorf("error of %d bytes, cause of %d", len(h.exec.Error), len(h.exec.Cause))
	}
}

func TestTokenShowsItselfInJSONOnly(t *testing.T) {
	h := start(t, machine(waitingTask(`,"End":true`)), `{}`)
	if h.exec.Token.String() != "[task token]" || h.exec.Token.LogValue().String() != "[task token]" || h.exec.Token.GoString() != "[task token]" {
		t.Error("the token shows itself")
	}
	if !json.Valid([]byte(asJSON(t, h.exec))) || !strings.Contains(asJSON(t, h.exec), string(h.exec.Token)) {
		t.Error("the token is not stored")
	}
}
