package asl

import (
	"strings"
	"testing"
	"time"
)

func TestCallbackIsTheResult(t *testing.T) {
	for _, early := range []bool{true, false} {
		h := start(t, machine(waitingTask(`,"TimeoutSeconds":60,"ResultSelector":{"d.$":"$.decision"},"ResultPath":"$.approval","Next":"End"`), end), `{"a":1}`)
		run := h.run()
		token := h.exec.Token
		if !run.Waits || run.Timeout != 0 || string(run.Payload) != `{"token":"`+string(token)+`"}` {
			t.Fatalf("ran %+v", run)
		}
		if !early {
			h.succeed(`"what the function returns is dropped"`)
			if h.exec.Phase != Awaiting {
				t.Fatalf("phase %s after the function returned", h.exec.Phase)
			}
			h.wantStale(TaskSucceeded{run.Attempt, []byte(`1`)}, ErrStale)
			h.wantStale(TaskFailed{run.Attempt, "E", ""}, ErrStale)
		}
		h.must(CallbackSucceeded{token, []byte(`{"decision":"approve"}`)})
		h.wantOutput(`{"a":1,"approval":{"d":"approve"}}`)
		h.wantStale(CallbackSucceeded{token, []byte(`{"decision":"approve"}`)}, ErrTaskTimedOut)
		h.wantStale(TaskSucceeded{run.Attempt, []byte(`1`)}, ErrStale)
	}
}

func TestFunctionThatFailsFailsTheWait(t *testing.T) {
	h := start(t, machine(waitingTask(`,"Retry":[{"ErrorEquals":["Busy"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"End"}],"Next":"End"`), end), `{}`)
	first := h.exec.Token
	h.fail("Busy")
	h.wantStale(CallbackSucceeded{first, []byte(`1`)}, ErrTaskTimedOut)
	h.fire()
	second := h.exec.Token
	if second == first || second == "" {
		t.Fatal("the second attempt has the first one's token")
	}
	h.wantStale(CallbackSucceeded{first, []byte(`1`)}, ErrTaskTimedOut)
	h.fail("Busy")
	h.wantOutput(`{"Cause":"because","Error":"Busy"}`)
	h.wantStale(CallbackSucceeded{second, []byte(`1`)}, ErrTaskTimedOut)
}

func TestWaitTimesOut(t *testing.T) {
	for _, returned := range []bool{true, false} {
		h := start(t, machine(waitingTask(`,"TimeoutSecondsPath":"$.t","Catch":[{"ErrorEquals":["States.Timeout"],"ResultPath":"$.e","Next":"End"}],"Next":"End"`), end), `{"t":60}`)
		token := h.exec.Token
		if due, _ := h.exec.Due(); due.Kind != CallbackTimer || !due.At.Equal(h.now.Add(time.Minute)) {
			t.Fatalf("due %+v", due)
		}
		if returned {
			h.now = h.now.Add(time.Second)
			h.succeed(`null`)
		}
		if due, _ := h.exec.Due(); !due.At.Equal(h.exec.EnteredAt.Add(time.Minute)) {
			t.Fatalf("the deadline moved to %v", due.At)
		}
		h.fire()
		h.wantOutput(`{"e":{"Cause":"","Error":"States.Timeout"},"t":60}`)
		h.wantStale(CallbackSucceeded{token, []byte(`1`)}, ErrTaskTimedOut)
	}
}

func TestCallbackAtTheDeadlineIsLateEvenBeforeTheTimerFires(t *testing.T) {
	h := start(t, machine(waitingTask(`,"TimeoutSeconds":60,"End":true`)), `{}`)
	h.now = h.now.Add(time.Minute)
	h.wantStale(CallbackSucceeded{h.exec.Token, []byte(`1`)}, ErrTaskTimedOut)
	h.now = h.now.Add(-time.Nanosecond)
	h.must(CallbackSucceeded{h.exec.Token, []byte(`1`)})
	h.wantOutput(`1`)
}

func TestBadCallbackLeavesTheTaskWaiting(t *testing.T) {
	h := start(t, machine(waitingTask(`,"End":true`)), `{}`)
	for _, output := range []string{``, `{`, `1 2`, `"` + strings.Repeat("x", maxPayload) + `"`} {
		h.wantStale(CallbackSucceeded{h.exec.Token, []byte(output)}, ErrInvalidOutput)
	}
	for _, token := range []Token{"", "guess", h.exec.Token + "x"} {
		h.wantStale(CallbackSucceeded{token, []byte(`1`)}, ErrTaskTimedOut)
		h.wantStale(CallbackFailed{token, "E", ""}, ErrTaskTimedOut)
	}
	h.must(CallbackSucceeded{h.exec.Token, []byte(`1`)})
	h.wantOutput(`1`)
}

func TestCallbackFailureGoesToRetryAndCatch(t *testing.T) {
	h := start(t, machine(waitingTask(`,"Retry":[{"ErrorEquals":["Busy"]}],"Catch":[{"ErrorEquals":["No"],"Next":"End"}],"Next":"End"`), end), `{}`)
	h.must(CallbackFailed{h.exec.Token, "Busy", ""})
	h.fire()
	h.must(CallbackFailed{h.exec.Token, "No", "said so"})
	h.wantOutput(`{"Cause":"said so","Error":"No"}`)
}

func TestTaskWithoutATokenTakesNoCallback(t *testing.T) {
	h := start(t, machine(task(`,"End":true`)), `{}`)
	h.wantStale(CallbackSucceeded{"", []byte(`1`)}, ErrTaskTimedOut)
}
