package engine

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

func TestCloseLetsTasksFinish(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		release := make(chan struct{})
		w := newWorld(t, approval, map[string]TaskFunc{"analyze": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			<-release
			return nil, nil
		}})
		w.start("run")
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- w.engine.Close(t.Context()) }()
		synctest.Wait()
		w.start("late") // callers are served while tasks still run: the tasks themselves may be the callers
		close(release)
		must(t, <-closed)
		if w.called("analyze") != 1 || w.called("ask") != 0 {
			t.Errorf("calls: %v; closing begins nothing", w.calls)
		}
		w.open()
		synctest.Wait()
		if w.called("analyze") != 2 || w.called("ask") != 2 {
			t.Errorf("calls: %v; what was finished is not run again", w.calls)
		}
		w.close()
	})
}

func TestCloseCutsOffWhatTakesTooLong(t *testing.T) {
	for name, task := range map[string]TaskFunc{
		"listening": stuck,
		"deaf": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			<-time.After(time.Hour)
			return nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				first := true
				w := newWorld(t, approval, map[string]TaskFunc{"fix": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
					if first {
						first = false
						return task(ctx, payload)
					}
					return nil, nil
				}})
				w.start("run")
				must(t, w.send(<-w.tokens, `{"decision":"approve"}`))
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				began := time.Now()
				if err := w.engine.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("close: %v", err)
				}
				if took := time.Since(began); took != 5*time.Second {
					t.Errorf("close took %s", took)
				}
				w.open()
				synctest.Wait()
				w.wantStatus("run", asl.Succeeded)
				if w.called("fix") != 2 || w.called("ticket") != 0 {
					t.Errorf("calls: %v; being cut off is not a failure", w.calls)
				}
				w.close()
				pass(2 * time.Hour)
			})
		})
	}
}

// The caller may have used up its time before. Nothing that ran is cut off by that.
func TestCloseOfAnIdleEngineIsCleanHoweverLittleTimeThereIs(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		w.start("run")
		synctest.Wait() // it waits for a person: nothing runs
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 30 { // a choice by chance would be right half of the time
			must(t, w.engine.Close(ended))
			w.open()
		}
		w.close()
	})
}

func TestClosedEngineRefuses(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		w.start("run")
		token := <-w.tokens
		synctest.Wait()
		w.close()
		w.close()
		data := json.RawMessage(input)
		for name, err := range map[string]error{
			"start": w.engine.Start(t.Context(), "other", data), "start soon": w.engine.StartSoon(t.Context(), "other", data),
			"send": w.send(token, `{}`),
		} {
			if !errors.Is(err, ErrClosed) || incident.KindOf(err) != incident.Unavailable {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestCloseWithABrokenDiskReturns: steps that cannot be written run again after the next Open.
func TestCloseWithABrokenDiskReturns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var broken atomic.Bool
		w := newWorld(t, approval, map[string]TaskFunc{"analyze": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			broken.Store(true)
			return nil, nil
		}})
		w.close()
		w.config.commit = func(write func() error) error {
			if broken.Load() {
				return errors.New("input/output error")
			}
			return write()
		}
		w.open()
		w.start("run")
		synctest.Wait()
		must(t, w.engine.Close(t.Context()))
		broken.Store(false)
		w.config.Tasks["analyze"] = w.task("analyze", nil)
		w.open()
		synctest.Wait()
		if d := w.describe("run"); d.State != "Wait" || w.called("analyze") != 2 {
			t.Errorf("in %s after calls %v", d.State, w.calls)
		}
		w.close()
	})
}

func TestCancelledCallerIsToldSo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		defer w.close()
		hold := make(chan struct{})
		w.close()
		w.config.commit = func(write func() error) error { <-hold; return write() }
		w.open()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := w.engine.Start(ctx, "run", json.RawMessage(input))
		if !errors.Is(err, context.DeadlineExceeded) || incident.KindOf(err) != incident.Unavailable {
			t.Errorf("start: %v", err)
		}
		close(hold)
		synctest.Wait()
		w.wantStatus("run", asl.Running) // it was under way, and the caller may ask again
	})
}
