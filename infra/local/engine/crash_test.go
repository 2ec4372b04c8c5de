package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
)

// killAt ends the engine at its nth write from now on: before it is on disk, or just after.
func killAt(n int, before bool) func(write func() error) error {
	writes := 0
	return func(write func() error) error {
		writes++
		if writes < n {
			return write()
		}
		if !before {
			if err := write(); err != nil {
				return err
			}
		}
		return errKilled
	}
}

// TestKilledAtAnyWriteEndsAsItWould takes one execution through a failure, a retry, an approval and a fix, and ends the engine
// at every write there is, before it and after it. Opened again on the file, the execution ends as if nothing had happened:
// what was promised stands, nothing is done that was not approved, and only what was cut off is done again.
func TestKilledAtAnyWriteEndsAsItWould(t *testing.T) {
	const most = 50
	for _, before := range []bool{true, false} {
		reached := 0
		for n := 1; n < most && reached == n-1; n++ {
			t.Run(fmt.Sprintf("write %d, before %v", n, before), func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					if killedRun(t, n, before) {
						reached = n
					}
				})
			})
		}
		if reached < 7 || reached == most-1 {
			t.Errorf("the run has %d writes; the test has missed some", reached)
		}
	}
}

// killedRun tells whether there was an nth write to be killed at.
func killedRun(t *testing.T, n int, before bool) bool {
	failed := false
	w := newWorld(t, approval, map[string]TaskFunc{"analyze": func(context.Context, json.RawMessage) (json.RawMessage, error) {
		if !failed {
			failed = true
			return nil, errors.New("Busy")
		}
		return nil, nil
	}})
	w.close()
	w.config.commit = killAt(n, before)
	w.open()
	dead := func() bool {
		synctest.Wait()
		select {
		case <-w.engine.written:
			w.abandon()
			w.config.commit = nil
			w.open()
			synctest.Wait()
			return true
		default:
			return false
		}
	}

	killed := false
	if err := w.engine.Start(t.Context(), "run", json.RawMessage(input)); err != nil {
		if killed = dead(); !killed {
			t.Fatalf("start: %v", err)
		}
		w.start("run") // nothing was promised, so the caller asks again
	}
	killed = dead() || killed
	pass(time.Minute) // over the retry
	killed = dead() || killed
	token := lastToken(w)
	if err := w.send(token, `{"decision":"approve"}`); err != nil {
		if !dead() {
			t.Fatalf("send: %v", err)
		}
		killed = true
		if err := w.send(token, `{"decision":"approve"}`); err != nil && !errors.Is(err, ErrTaskTimedOut) {
			t.Fatalf("send again: %v", err)
		}
	}
	killed = dead() || killed
	pass(time.Minute)
	killed = dead() || killed
	pass(time.Minute)

	w.wantStatus("run", asl.Succeeded)
	if err := w.send(token, `{"decision":"no"}`); !errors.Is(err, ErrTaskTimedOut) {
		t.Errorf("the token is still good: %v", err)
	}
	again := 0
	if killed {
		again = 1
	}
	for name, least := range map[string]int{"analyze": 2, "ask": 1, "fix": 1, "ticket": 0} {
		if calls := w.called(name); calls < least || calls > least+again {
			t.Errorf("%s was called %d times, want %d, or one more for the kill", name, calls, least)
		}
	}
	w.close()
	return killed
}

// lastToken takes the token of the newest call: after a kill, the same attempt is asked again with the same token.
func lastToken(w *world) string {
	token := <-w.tokens
	for {
		select {
		case again := <-w.tokens:
			if again != token {
				w.t.Errorf("the attempt ran again with another token")
			}
			token = again
		default:
			return token
		}
	}
}

func TestWaitKeepsItsDeadlineOverARestart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		w.start("run")
		token := <-w.tokens
		pass(59 * time.Minute)
		w.close()
		w.open()
		pass(59 * time.Second)
		if d := w.describe("run"); d.State != "Wait" || w.called("ask") != 1 {
			t.Fatalf("in %s, asked %d times: it waits on, and nobody is asked again", d.State, w.called("ask"))
		}
		pass(2 * time.Second)
		w.wantStatus("run", asl.Succeeded)
		if err := w.send(token, `{"decision":"approve"}`); !errors.Is(err, ErrTaskTimedOut) || w.called("ticket") != 1 {
			t.Errorf("after the deadline: %v, %d tickets", err, w.called("ticket"))
		}
		w.close()
	})
}

func TestDeadlineThatPassedWhileDownFiresAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		w.start("run")
		token := <-w.tokens
		synctest.Wait()
		w.close()
		pass(2 * time.Hour)
		w.open()
		err := w.send(token, `{"decision":"approve"}`)
		synctest.Wait()
		w.wantStatus("run", asl.Succeeded)
		if !errors.Is(err, ErrTaskTimedOut) || w.called("ticket") != 1 || w.called("fix") != 0 {
			t.Errorf("send: %v; calls %v", err, w.calls)
		}
		w.close()
	})
}

// TestOverdueCallIsNotMadeAgain: the machine was down past the deadline while the function that asks was running.
func TestOverdueCallIsNotMadeAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, map[string]TaskFunc{"ask": stuck})
		w.start("run")
		<-w.tokens
		w.abandon()
		pass(2 * time.Hour)
		w.open()
		synctest.Wait()
		w.wantStatus("run", asl.Succeeded)
		if w.called("ask") != 1 || w.called("ticket") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
		w.close()
	})
}

func TestExecutionsStayOnTheDefinitionTheyBeganWith(t *testing.T) {
	const second = `{"StartAt":"Fix","States":{"Fix":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
		"Parameters":{"FunctionName":"fix","Payload":{"new":true}},"End":true}}}`
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		w.start("old")
		token := <-w.tokens
		synctest.Wait()
		w.close()

		tasks := w.config.Tasks
		w.config.Definition = []byte(second)
		w.config.Tasks = map[string]TaskFunc{"fix": tasks["fix"]} // ticket is gone with the redeploy
		w.open()
		w.start("new")
		synctest.Wait()
		w.wantStatus("new", asl.Succeeded)
		must(t, w.send(token, `{"decision":"approve"}`))
		synctest.Wait()
		w.wantStatus("old", asl.Succeeded)
		if w.called("fix") != 2 {
			t.Errorf("calls: %v", w.calls)
		}
		if n := definitionsStored(t, w); n != 2 {
			t.Errorf("%d definitions are stored, want both", n)
		}
		w.close()
		w.open()
		if n := definitionsStored(t, w); n != 1 {
			t.Errorf("%d definitions are stored, want the one that is used", n)
		}
		w.close()
	})
}

func TestTaskThatARedeployRemovedFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		w.start("old")
		token := <-w.tokens
		synctest.Wait()
		w.close()
		w.config.Definition = []byte(`{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}`)
		w.config.Tasks = nil
		w.open()
		must(t, w.send(token, `{"decision":"approve"}`))
		synctest.Wait()
		if d := w.describe("old"); d.Status != asl.Failed || d.Error != errorMissing || d.State != "Ticket" {
			t.Errorf("described as %+v", d)
		}
		w.close()
	})
}

func definitionsStored(t *testing.T, w *world) int {
	t.Helper()
	definitions, err := loadDefinitions(w.db)
	must(t, err)
	return len(definitions)
}

// TestFailedWritesAreRepeated: a full disk loses no step, and whoever waits for his own is told.
func TestFailedWritesAreRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		var broken atomic.Bool
		breakDisk := func(context.Context, json.RawMessage) (json.RawMessage, error) {
			broken.Store(true)
			return nil, nil
		}
		w := newWorld(t, approval, map[string]TaskFunc{"analyze": breakDisk, "ask": breakDisk})
		w.close()
		w.config.commit = func(write func() error) error {
			if broken.Load() {
				return full
			}
			return write()
		}
		w.open()
		w.start("run")
		pass(10 * time.Second)
		broken.Store(false)
		pass(2 * time.Second)
		if w.called("ask") != 1 {
			t.Fatalf("calls: %v; that analyze had ended was lost", w.calls)
		}
		token := <-w.tokens
		if err := w.send(token, `{"decision":"approve"}`); !errors.Is(err, full) {
			t.Errorf("send: %v, want the disk's error", err)
		}
		pass(10 * time.Second)
		broken.Store(false)
		pass(2 * time.Second)
		must(t, w.send(token, `{"decision":"approve"}`))
		synctest.Wait()
		w.wantStatus("run", asl.Succeeded)
		if w.called("analyze") != 1 || w.called("ask") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
		w.close()
	})
}
