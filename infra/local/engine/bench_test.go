package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/pkg/incident"
)

// TestTenThousandWaitingCostLittle bounds what a night of unanswered approvals costs: memory while they wait, and time to
// open the file again. The bounds are a multiple of what was measured, so that a busy machine does not break them.
func TestTenThousandWaitingCostLittle(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 5_000
	}
	db := openDB(t, filepath.Join(t.TempDir(), "engine.db"))
	asked := make(chan string, n)
	config := benchConfig(db, func(token string) { asked <- token })
	e, err := Open(config)
	must(t, err)
	for i := range n {
		must(t, e.StartSoon(t.Context(), fmt.Sprintf("run-%d", i), json.RawMessage(input)))
	}
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = <-asked
	}
	must(t, e.Close(t.Context()))
	e = nil // lets its timers go

	before := heapInUse()
	began := time.Now()
	e, err = Open(config)
	must(t, err)
	took := time.Since(began)
	perExecution := (heapInUse() - before) / int64(n)
	t.Logf("opened with %d waiting in %s, %d bytes of memory each", n, took, perExecution)
	if took > 2*time.Second {
		t.Errorf("opening took %s, want well under a second", took)
	}
	if perExecution > 1000 {
		t.Errorf("%d bytes of memory for a waiting execution, want a few hundred at most", perExecution)
	}
	must(t, e.SendTaskSuccess(t.Context(), incident.NewTaskToken(tokens[n-1]), json.RawMessage(`{"decision":"no"}`)))
	must(t, e.Close(t.Context()))
	if len(asked) != 0 {
		t.Errorf("%d were asked again", len(asked))
	}
}

func heapInUse() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func benchConfig(db *bbolt.DB, asked func(token string)) Config {
	nothing := func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, nil }
	return Config{
		DB: plainDB{db}, Definition: []byte(approval), Log: slog.New(slog.DiscardHandler), ErrorName: func(error) string { return "Failed" },
		Tasks: map[string]TaskFunc{"analyze": nothing, "fix": nothing, "ticket": nothing,
			"ask": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
				asked(tokenIn(payload))
				return nil, nil
			}},
	}
}

func BenchmarkStart(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			e, err := Open(benchConfig(openDB(b, filepath.Join(b.TempDir(), "engine.db")), func(string) {}))
			if err != nil {
				b.Fatal(err)
			}
			inParallel(b, callers, func(i int64) error {
				return e.Start(b.Context(), fmt.Sprintf("run-%d", i), json.RawMessage(input))
			})
			_ = e.Close(b.Context())
		})
	}
}

// BenchmarkWholeRun goes from the start over three tasks and an approval to the end.
func BenchmarkWholeRun(b *testing.B) {
	db := openDB(b, filepath.Join(b.TempDir(), "engine.db"))
	tokens := make(chan string, b.N)
	e, err := Open(benchConfig(db, func(token string) { tokens <- token }))
	if err != nil {
		b.Fatal(err)
	}
	inParallel(b, 64, func(i int64) error {
		if err := e.Start(b.Context(), fmt.Sprintf("run-%d", i), json.RawMessage(input)); err != nil {
			return err
		}
		return e.SendTaskSuccess(b.Context(), incident.NewTaskToken(<-tokens), json.RawMessage(`{"decision":"approve"}`))
	})
	_ = e.Close(b.Context())
}

func BenchmarkOpenWithTenThousandWaiting(b *testing.B) {
	db := openDB(b, filepath.Join(b.TempDir(), "engine.db"))
	var asked sync.WaitGroup
	asked.Add(10_000)
	config := benchConfig(db, func(string) { asked.Done() })
	e, err := Open(config)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		if err := e.StartSoon(b.Context(), fmt.Sprintf("run-%d", i), json.RawMessage(input)); err != nil {
			b.Fatal(err)
		}
	}
	asked.Wait()
	_ = e.Close(b.Context())
	for b.Loop() {
		e, err := Open(config)
		if err != nil {
			b.Fatal(err)
		}
		_ = e.Close(b.Context())
	}
}

func inParallel(b *testing.B, callers int, do func(i int64) error) {
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range callers {
		group.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
