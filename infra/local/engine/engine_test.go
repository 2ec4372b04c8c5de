package engine

import (
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

func TestApprovedRunsTheFix(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		defer w.close()
		w.start("run")
		synctest.Wait()
		w.wantStatus("run", asl.Running)
		if d := w.describe("run"); d.State != "Wait" || d.StartedAt.IsZero() || !d.EndedAt.IsZero() {
			t.Fatalf("described as %+v", d)
		}
		must(t, w.send(<-w.tokens, `{"decision":"approve"}`))
		synctest.Wait()
		w.wantStatus("run", asl.Succeeded)
		if w.called("fix") != 1 || w.called("ticket") != 0 {
			t.Errorf("calls: %v", w.calls)
		}
	})
}

func TestStartIsIdempotentWhileItRuns(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		defer w.close()
		w.start("run")
		w.start("run")
		must(t, w.engine.Start(t.Context(), "run", json.RawMessage(" {\"id\" : \"x\",\n\"timeout\":3600} ")))
		err := w.engine.Start(t.Context(), "run", json.RawMessage(`{"id":"y","timeout":3600}`))
		if !errors.Is(err, ErrExecutionAlreadyExists) || incident.KindOf(err) != incident.Conflict {
			t.Errorf("another input: %v", err)
		}
		must(t, w.send(<-w.tokens, `{"decision":"no"}`))
		synctest.Wait()
		w.wantStatus("run", asl.Succeeded)
		if err := w.engine.Start(t.Context(), "run", json.RawMessage(input)); !errors.Is(err, ErrExecutionAlreadyExists) {
			t.Errorf("after the end: %v", err)
		}
		if w.called("analyze") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
	})
}

func TestNameIsFreeAgainAfterNinetyDays(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		defer w.close()
		for _, name := range []string{"old-1", "old-2"} {
			w.start(name)
			must(t, w.send(<-w.tokens, `{"decision":"no"}`))
		}
		synctest.Wait()
		pass(retention - time.Hour)
		if err := w.engine.Start(t.Context(), "old-1", json.RawMessage(input)); !errors.Is(err, ErrExecutionAlreadyExists) {
			t.Fatalf("an hour before: %v", err)
		}
		pass(2 * time.Hour)
		if _, err := w.engine.Describe(t.Context(), "old-2"); incident.KindOf(err) != incident.NotFound {
			t.Errorf("old-2 is still known: %v", err)
		}
		w.start("old-1")
		must(t, w.send(<-w.tokens, `{"decision":"no"}`))
		synctest.Wait()
		w.wantStatus("old-1", asl.Succeeded)
		must(t, w.db.Scan(func(tx *bbolt.Tx) error {
			if n := tx.Bucket([]byte(endedBucket)).Stats().KeyN; n != 1 {
				t.Errorf("%d records are kept, want the one of today", n)
			}
			if n := tx.Bucket([]byte(endedAtBucket)).Stats().KeyN; n != 1 {
				t.Errorf("%d times are kept, want the one of today", n)
			}
			return nil
		}))
	})
}

func TestStartSoonNeedsNoWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		defer w.close()
		must(t, w.engine.StartSoon(t.Context(), "run", json.RawMessage(input)))
		must(t, w.engine.StartSoon(t.Context(), "run", json.RawMessage(input)))
		synctest.Wait()
		w.wantStatus("run", asl.Running)
		if err := w.engine.StartSoon(t.Context(), "run", json.RawMessage(`{`)); incident.KindOf(err) != incident.Invalid {
			t.Errorf("no JSON: %v", err)
		}
		if w.called("analyze") != 1 {
			t.Errorf("calls: %v", w.calls)
		}
	})
}

// TestReadyHoldsTasksAndTimersBack: tasks that call the engine themselves must not run before they can.
func TestReadyHoldsTasksAndTimersBack(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, map[string]TaskFunc{"fix": stuck})
		w.start("fixing")
		must(t, w.send(<-w.tokens, `{"decision":"approve"}`))
		w.start("waiting")
		<-w.tokens
		synctest.Wait()
		w.abandon()
		ready := make(chan struct{})
		w.config.Ready = ready
		w.open()
		w.start("new")
		pass(2 * time.Hour)
		w.wantStatus("waiting", asl.Running)
		if w.called("fix") != 1 || w.called("analyze") != 2 {
			t.Fatalf("calls: %v", w.calls)
		}
		close(ready)
		synctest.Wait()
		w.wantStatus("waiting", asl.Succeeded)
		if w.called("fix") != 2 || w.called("analyze") != 3 {
			t.Errorf("calls: %v", w.calls)
		}
		w.abandon()

		w.config.Ready = make(chan struct{})
		w.open()
		w.close()
	})
}

func TestWritesGoThroughTheWriterGiven(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		w.close()
		writes := 0
		w.config.DB = counting{w.db, &writes}
		w.open()
		w.start("run")
		synctest.Wait()
		w.close()
		if writes != 3 {
			t.Errorf("%d writes, want 3: the start, and the end of two tasks", writes)
		}
	})
}

// counting counts writes.
type counting struct {
	plainDB
	writes *int
}

func (c counting) Soon(write func(commit.Tx) error, told func(error)) error {
	*c.writes++
	return c.plainDB.Soon(write, told)
}

func TestBadCallsAreToldApart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, approval, nil)
		defer w.close()
		for _, name := range []string{"", "a.b", "a b", strings.Repeat("n", 81), "ä"} {
			if err := w.engine.Start(t.Context(), name, json.RawMessage(input)); incident.KindOf(err) != incident.Invalid {
				t.Errorf("name %q: %v", name, err)
			}
			if _, err := w.engine.Describe(t.Context(), name); incident.KindOf(err) != incident.Invalid {
				t.Errorf("describe %q: %v", name, err)
			}
		}
		for _, in := range []string{``, `{`, `1 2`, `"` + strings.Repeat("x", 262_144) + `"`} {
			if err := w.engine.Start(t.Context(), "run", json.RawMessage(in)); incident.KindOf(err) != incident.Invalid || !errors.Is(err, asl.ErrInvalidInput) {
				t.Errorf("input of %d bytes: %v", len(in), err)
			}
		}
		if _, err := w.engine.Describe(t.Context(), "nobody"); incident.KindOf(err) != incident.NotFound {
			t.Errorf("describe nobody: %v", err)
		}
		w.start("run")
		token := <-w.tokens
		secret := token[strings.LastIndex(token, "."):]
		for text, want := range map[string]error{
			"": ErrInvalidToken, "run": ErrInvalidToken, "run.1": ErrInvalidToken, "run.1.short": ErrInvalidToken, "r n.1" + secret: ErrInvalidToken,
			"nobody.1" + secret: ErrTaskDoesNotExist, "run.9" + secret: ErrTaskTimedOut, "run.2." + strings.Repeat("A", len(secret)-1): ErrTaskTimedOut,
		} {
			if err := w.send(text, `{}`); !errors.Is(err, want) {
				t.Errorf("token %q: %v, want %v", text, err, want)
			}
		}
		for _, output := range []string{``, `{`, `"` + strings.Repeat("x", 262_144) + `"`} {
			if err := w.send(token, output); incident.KindOf(err) != incident.Invalid || !errors.Is(err, asl.ErrInvalidOutput) {
				t.Errorf("output of %d bytes: %v", len(output), err)
			}
		}
		must(t, w.send(token, `{"decision":"no"}`))
		synctest.Wait()
		if err := w.send(token, `{"decision":"no"}`); !errors.Is(err, ErrTaskTimedOut) {
			t.Errorf("second delivery: %v", err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "engine.db"))
	good := Config{DB: plainDB{db}, Definition: []byte(approval), ErrorName: error.Error, Log: slog.New(slog.DiscardHandler), Tasks: map[string]TaskFunc{
		"analyze": stuck, "ask": stuck, "fix": stuck, "ticket": stuck,
	}}
	cases := map[string]struct {
		change func(*Config)
		want   string
	}{
		"no DB":                {func(c *Config) { c.DB = nil }, "DB is missing"},
		"no ErrorName":         {func(c *Config) { c.ErrorName = nil }, "ErrorName is missing"},
		"no Log":               {func(c *Config) { c.Log = nil }, "Log is missing"},
		"negative workers":     {func(c *Config) { c.Workers = -1 }, "Workers is -1"},
		"negative limit":       {func(c *Config) { c.InvokeTimeout = -1 }, "InvokeTimeout is -1ns"},
		"a bad definition":     {func(c *Config) { c.Definition = []byte(`{}`) }, "$.StartAt: is required"},
		"a task that is none":  {func(c *Config) { c.Tasks = map[string]TaskFunc{"analyze": nil} }, `calls "analyze", and there is no such task`},
		"a task that is not":   {func(c *Config) { c.Tasks = map[string]TaskFunc{"analyze": stuck, "ask": stuck} }, `calls "fix", and there is no such task`},
		"no definition at all": {func(c *Config) { c.Definition = nil }, "definition: offset 0"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config := good
			c.change(&config)
			if e, err := Open(config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want %q", e, err, c.want)
			}
		})
	}
}
