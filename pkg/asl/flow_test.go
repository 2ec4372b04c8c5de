package asl

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestStatesThatNeedNothing covers what ends within the first step: paths, templates, choices, and how they fail.
func TestStatesThatNeedNothing(t *testing.T) {
	long := `"` + strings.Repeat("x", maxPayload/2) + `"`
	cases := []struct{ name, definition, input, output, failure string }{
		{name: "succeed gives its input", definition: machine(`{"Type":"Succeed"}`), input: `{"a":1}`, output: `{"a":1}`},
		{name: "numbers keep their digits", definition: machine(`{"Type":"Succeed"}`), input: `[12345678901234567890,1.10,1e400]`, output: `[12345678901234567890,1.10,1e400]`},
		{name: "no HTML escapes", definition: machine(`{"Type":"Pass","End":true}`), input: `"<&>"`, output: `"<&>"`},
		{name: "InputPath and OutputPath of succeed", definition: machine(`{"Type":"Succeed","InputPath":"$.a","OutputPath":"$.b"}`), input: `{"a":{"b":2}}`, output: `2`},
		{name: "null InputPath is an empty object", definition: machine(`{"Type":"Succeed","InputPath":null}`), input: `{"a":1}`, output: `{}`},
		{name: "null OutputPath is an empty object", definition: machine(`{"Type":"Pass","OutputPath":null,"End":true}`), input: `{"a":1}`, output: `{}`},
		{name: "InputPath to a null is a null", definition: machine(`{"Type":"Succeed","InputPath":"$.a"}`), input: `{"a":null}`, output: `null`},
		{name: "InputPath to nothing", definition: machine(`{"Type":"Succeed","InputPath":"$.z"}`), input: `{"a":1}`, failure: errorRuntime},
		{name: "OutputPath to nothing", definition: machine(`{"Type":"Pass","OutputPath":"$.z","End":true}`), input: `{}`, failure: errorRuntime},
		{name: "InputPath from the context", definition: machine(`{"Type":"Succeed","InputPath":"$$.Execution.Input.a"}`), input: `{"a":1}`, output: `1`},
		{name: "pass with a result", definition: machine(`{"Type":"Pass","Result":{"r":true},"End":true}`), input: `{"a":1}`, output: `{"r":true}`},
		{name: "pass with a null result", definition: machine(`{"Type":"Pass","Result":null,"End":true}`), input: `{"a":1}`, output: `null`},
		{name: "result put beside the input", definition: machine(`{"Type":"Pass","Result":2,"ResultPath":"$.b.c","End":true}`), input: `{"a":1}`, output: `{"a":1,"b":{"c":2}}`},
		{name: "result put over a member", definition: machine(`{"Type":"Pass","Result":2,"ResultPath":"$.a","End":true}`), input: `{"a":1}`, output: `{"a":2}`},
		{name: "result dropped", definition: machine(`{"Type":"Pass","Result":2,"ResultPath":null,"End":true}`), input: `{"a":1}`, output: `{"a":1}`},
		{name: "result goes into the raw input", definition: machine(`{"Type":"Pass","InputPath":"$.a","ResultPath":"$.b","End":true}`), input: `{"a":1}`, output: `{"a":1,"b":1}`},
		{name: "result through a number", definition: machine(`{"Type":"Pass","Result":2,"ResultPath":"$.a.b","End":true}`), input: `{"a":1}`, failure: errorResultPath},
		{name: "result into an array", definition: machine(`{"Type":"Pass","Result":2,"ResultPath":"$.a","End":true}`), input: `[1]`, failure: errorResultPath},
		{name: "parameters", definition: machine(`{"Type":"Pass","Parameters":{"lit":[1,{"x.$":"$.a[1].b"}],"n.$":"$$.State.Name","e.$":"$$.State.EnteredTime","s.$":"$$.Execution.StartTime","who.$":"$$.Execution.Name","r.$":"$$.State.RetryCount","null.$":"$.z"},"End":true}`),
			input:  `{"a":[0,{"b":"y"}],"z":null}`,
			output: `{"e":"2026-01-02T03:04:05.678Z","lit":[1,{"x":"y"}],"n":"S","null":null,"r":0,"s":"2026-01-02T03:04:05.678Z","who":"run-1"}`},
		{name: "parameter path to nothing", definition: machine(`{"Type":"Pass","Parameters":{"x.$":"$.z"},"End":true}`), input: `{}`, failure: errorRuntime},
		{name: "parameter inside an array to nothing", definition: machine(`{"Type":"Pass","Parameters":{"l":[{"x.$":"$.z"}]},"End":true}`), input: `{}`, failure: errorRuntime},
		{name: "fail with its words", definition: machine(`{"Type":"Fail","Error":"Mine","Cause":"so"}`), input: `{}`, failure: "Mine"},
		{name: "output over the quota", definition: machine(`{"Type":"Pass","Parameters":{"x.$":"$","y.$":"$"},"End":true}`), input: long, failure: errorDataLimit},
		{name: "choice by default", definition: choice(`{"Variable":"$.a","NumericEquals":2}`), input: `{"a":1}`, failure: ""},
		{name: "nothing chosen", definition: machine(`{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":2,"Next":"End"}]}`, end), input: `{"a":1}`, failure: errorRuntime},
		{name: "choice after InputPath", definition: machine(`{"Type":"Choice","InputPath":"$.in","OutputPath":"$.a","Choices":[{"Variable":"$.a","NumericEquals":2,"Next":"End"}]}`, end), input: `{"in":{"a":2}}`, output: `2`},
		{name: "a loop that never waits", definition: machine(`{"Type":"Pass","Next":"S"}`), input: `{}`, failure: errorRuntime},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := start(t, c.definition, c.input)
			switch {
			case c.output != "":
				h.wantOutput(c.output)
			default:
				h.wantError(c.failure)
			}
		})
	}
}

func TestWaitEndsAtItsTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	startedAt := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	cases := map[string]struct {
		fields, input string
		want          time.Time
	}{
		"seconds":        {`"Seconds":90`, `{}`, startedAt.Add(90 * time.Second)},
		"no time":        {`"Seconds":0`, `{}`, startedAt},
		"seconds path":   {`"SecondsPath":"$.s"`, `{"s":5}`, startedAt.Add(5 * time.Second)},
		"timestamp":      {`"Timestamp":"2026-01-02T04:00:00Z"`, `{}`, at},
		"timestamp path": {`"TimestampPath":"$.t"`, `{"t":"2026-01-02T05:00:00+01:00"}`, at},
		"past timestamp": {`"Timestamp":"2020-01-02T04:00:00Z"`, `{}`, time.Date(2020, 1, 2, 4, 0, 0, 0, time.UTC)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := start(t, machine(`{"Type":"Wait",`+c.fields+`,"Next":"End"}`, end), c.input)
			if due, _ := h.exec.Due(); !due.At.Equal(c.want) || due.Kind != WaitTimer {
				t.Fatalf("due %v, want a wait timer at %v", due, c.want)
			}
			timer := h.fire()
			h.wantOutput(c.input)
			h.wantStale(TimerFired{timer.Kind, timer.Attempt}, ErrStale)
		})
	}
	for name, c := range map[string][2]string{
		"seconds path to nothing":    {`"SecondsPath":"$.s"`, `{}`},
		"seconds path to a fraction": {`"SecondsPath":"$.s"`, `{"s":1.5}`},
		"timestamp path to a word":   {`"TimestampPath":"$.t"`, `{"t":"soon"}`},
		"timestamp path to nothing":  {`"TimestampPath":"$.t"`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			start(t, machine(`{"Type":"Wait",`+c[0]+`,"End":true}`), c[1]).wantError(errorRuntime)
		})
	}
}

func TestTimerBeforeItsTimeIsStale(t *testing.T) {
	h := start(t, machine(`{"Type":"Wait","Seconds":10,"End":true}`), `{}`)
	h.now = h.now.Add(9 * time.Second)
	h.wantStale(TimerFired{WaitTimer, h.exec.Attempt}, ErrStale)
}

func TestExecutionTimeoutEndsWhateverRuns(t *testing.T) {
	definition := strings.Replace(machine(task(`,"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"End"}],"Next":"End"`), end),
		`{"StartAt"`, `{"TimeoutSeconds":30,"StartAt"`, 1)
	h := start(t, definition, `{}`)
	attempt := h.exec.Attempt
	if timer := h.fire(); timer.Kind != ExecutionTimer {
		t.Fatalf("fired %v", timer)
	}
	if h.exec.Status != TimedOut || h.exec.Error != errorTimeout {
		t.Fatalf("got %s %s, want TIMED_OUT: neither Retry nor Catch sees it", h.exec.Status, h.exec.Error)
	}
	h.wantStale(TaskSucceeded{attempt, []byte(`1`)}, ErrStale)
}

func TestStartRefuses(t *testing.T) {
	def := mustLoad(t, machine(`{"Type":"Wait","Seconds":1,"End":true}`))
	for name, input := range map[string]string{"no JSON": `{`, "two documents": `1 2`, "nothing": ``, "too much": `"` + strings.Repeat("x", maxPayload) + `"`} {
		h := &harness{t: t, def: def, now: time.Unix(1, 0)}
		if err := h.send(Start{Name: "n", Input: []byte(input)}); !errors.Is(err, ErrInvalidInput) {
			t.Errorf("%s: got %v, want ErrInvalidInput", name, err)
		}
	}
	h := &harness{t: t, def: def}
	h.start(`{}`)
	h.wantStale(Start{Name: "n", Input: []byte(`{}`)}, ErrAlreadyStarted)

	h.def = mustLoad(t, machine(`{"Type":"Wait","Seconds":2,"End":true}`))
	h.wantStale(TimerFired{WaitTimer, 1}, ErrWrongDefinition)
	if _, err := Pending(h.def, h.exec); !errors.Is(err, ErrWrongDefinition) {
		t.Errorf("pending on another definition: %v", err)
	}
}
