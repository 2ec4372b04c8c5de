package engine

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/asl"
)

func TestFailureHasLambdasForm(t *testing.T) {
	cases := map[string]struct {
		task      TaskFunc
		wantError string
		wantCause string
	}{
		"an error":  {failing("wrapped: Broken"), "Broken", `{"errorMessage":"wrapped: Broken","errorType":"Broken"}`},
		"a panic":   {func(context.Context, json.RawMessage) (json.RawMessage, error) { panic("out") }, "Runtime.Panic", `{"errorMessage":"panic: out","errorType":"Runtime.Panic"}`},
		"an exit":   {func(context.Context, json.RawMessage) (json.RawMessage, error) { runtime.Goexit(); return nil, nil }, "Runtime.Panic", `{"errorMessage":"panic: \u003cnil\u003e","errorType":"Runtime.Panic"}`},
		"a timeout": {stuck, "States.Timeout", ``},
		"no JSON":   {func(context.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage(`{`), nil }, "States.TaskFailed", "The function's result is not JSON: unexpected EOF"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				var got json.RawMessage
				w := newWorld(t, approval, map[string]TaskFunc{"fix": c.task, "ticket": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
					got = payload
					return nil, nil
				}})
				defer w.close()
				w.start("run")
				must(t, w.send(<-w.tokens, `{"decision":"approve"}`))
				pass(601 * time.Second)
				w.wantStatus("run", asl.Succeeded)
				var p struct {
					FixError struct{ Error, Cause string }
				}
				must(t, json.Unmarshal(got, &p))
				if p.FixError.Error != c.wantError || p.FixError.Cause != c.wantCause {
					t.Errorf("the ticket says %q, %q; want %q, %q", p.FixError.Error, p.FixError.Cause, c.wantError, c.wantCause)
				}
			})
		})
	}
}

func TestTokenInAnErrorIsHidden(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, strings.ReplaceAll(approval, `"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.waitError","Next":"Ticket"}],`, ""), map[string]TaskFunc{
			"ask": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
				return nil, errors.New("could not store " + tokenIn(payload))
			},
		})
		w.config.ErrorName = func(error) string { return "Unavailable" }
		w.engine.cfg.ErrorName = w.config.ErrorName
		defer w.close()
		w.start("run")
		synctest.Wait()
		if d := w.describe("run"); d.Error != "Unavailable" || !strings.Contains(d.Cause, "could not store [task token]") {
			t.Errorf("described as %+v", d)
		}
	})
}

func TestTimeoutRunsFromTheFunctionsStart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, map[string]TaskFunc{"analyze": stuck})
		w.close()
		w.config.Workers = 1
		w.open()
		defer w.close()
		w.start("first")
		synctest.Wait()
		w.start("second")
		pass(119 * time.Second)
		pass(2 * time.Second) // the first is over; the second begins
		if d := w.describe("first"); d.State != "Wait" {
			t.Fatalf("first is in %s", d.State)
		}
		pass(110 * time.Second)
		if d := w.describe("second"); d.State != "Analyze" {
			t.Fatalf("second is in %s: its time in the queue was counted", d.State)
		}
		pass(20 * time.Second)
		if d := w.describe("second"); d.State != "Wait" {
			t.Fatalf("second is in %s", d.State)
		}
	})
}

// TestQueuedRunIsForItsAttemptOnly: while it was queued, its execution went on to another task, which has a run of its own.
func TestQueuedRunIsForItsAttemptOnly(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, map[string]TaskFunc{"fix": stuck})
		w.start("run")
		must(t, w.send(<-w.tokens, `{"decision":"approve"}`))
		synctest.Wait()
		w.engine.runTask(run{"run", 2, "ask"})
		if w.called("fix") != 1 || w.called("ask") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
		w.abandon()
	})
}

// TestDeafTaskTimesOut: a task that ignores its context neither keeps its state from going on nor its place.
func TestDeafTaskTimesOut(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		release := make(chan struct{})
		w := newWorld(t, approval, map[string]TaskFunc{"fix": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			<-release
			return json.RawMessage(`"too late"`), nil
		}})
		defer w.close()
		w.start("run")
		must(t, w.send(<-w.tokens, `{"decision":"approve"}`))
		pass(601 * time.Second)
		w.wantStatus("run", asl.Succeeded)
		if w.called("ticket") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
		close(release)
		synctest.Wait()
	})
}

func TestInvokeTimeoutBoundsTheCallNotTheWait(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, map[string]TaskFunc{"ask": stuck})
		defer w.close()
		var ticket json.RawMessage
		w.config.Tasks["ticket"] = func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
			ticket = payload
			return nil, nil
		}
		w.start("run")
		pass(defaultInvokeTimeout + time.Second)
		w.wantStatus("run", asl.Succeeded)
		if !strings.Contains(string(ticket), "Sandbox.Timedout") {
			t.Errorf("the ticket says %s", ticket)
		}
	})
}

func TestRetryWaitsWithJitter(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		w := newWorld(t, approval, map[string]TaskFunc{"analyze": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			at = append(at, time.Since(began))
			return nil, errors.New("Busy")
		}})
		defer w.close()
		w.start("run")
		pass(time.Minute)
		// Half of 4 s, then half of 8 s, as the world's randomness has it; a millisecond is the grain of timers.
		if diff := cmp.Diff([]time.Duration{0, 2 * time.Second, 6 * time.Second}, at); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if d := w.describe("run"); d.State != "Wait" {
			t.Errorf("it is in %s", d.State)
		}
	})
}

func TestWorkersAndTurns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var now, most atomic.Int64
		release := make(chan struct{})
		w := newWorld(t, approval, map[string]TaskFunc{"analyze": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			if strings.Contains(string(payload), "slow") {
				<-release
			}
			return nil, nil
		}})
		w.close()
		w.config.Workers = 4
		w.open()
		w.start("approved")
		token := <-w.tokens
		for _, name := range []string{"s1", "s2", "s3", "s4", "s5"} {
			must(t, w.engine.Start(t.Context(), name, json.RawMessage(`{"id":"slow","timeout":10}`)))
		}
		synctest.Wait()
		must(t, w.send(token, `{"decision":"approve"}`))
		synctest.Wait()
		w.wantStatus("approved", asl.Succeeded)
		if most.Load() != 3 {
			t.Errorf("%d analyses at once, want 3 of 4 places", most.Load())
		}
		close(release)
		synctest.Wait()
		if w.called("analyze") != 6 {
			t.Errorf("%d analyses, want 6", w.called("analyze"))
		}
		w.close()
	})
}
