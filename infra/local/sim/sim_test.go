package sim

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedsFlag = flag.Int("seeds", 300, "how many worlds TestSim simulates")
	firstFlag = flag.Uint64("first", 1, "the first seed")
	traceFlag = flag.Bool("trace", false, "print the trace of every failing seed, not only of the first")
)

func fixtures(t *testing.T) *Fixtures {
	t.Helper()
	f, err := NewFixtures()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sweep runs seeds on all processors and hands each report to use, one at a
// time, until use says stop.
func sweep(t *testing.T, f *Fixtures, first uint64, seeds int, h Hooks, use func(Report) (stop bool)) {
	t.Helper()
	var next, stopped atomic.Int64
	var mu sync.Mutex
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for n := next.Add(1) - 1; n < int64(seeds) && stopped.Load() == 0; n = next.Add(1) - 1 {
				r, err := Run(f, first+uint64(n), h)
				mu.Lock()
				if err != nil {
					t.Error(err)
				}
				if err != nil || use(r) {
					stopped.Store(1)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

// TestSimHoldsEveryInvariant is what `make sim SEEDS=n` runs.
func TestSimHoldsEveryInvariant(t *testing.T) {
	f := fixtures(t)
	begun := time.Now()
	failed := 0
	kinds := map[string]int{}
	seen := map[string]int{}
	sweep(t, f, *firstFlag, *seedsFlag, Hooks{}, func(r Report) bool {
		for what, n := range r.Seen {
			seen[what] += n
		}
		if len(r.Violations) == 0 {
			return false
		}
		for _, v := range r.Violations {
			kinds[v.Invariant]++
		}
		if failed++; failed == 1 || *traceFlag {
			t.Errorf("%s%s\nreplay: go test ./infra/local/sim -run TestSimHoldsEveryInvariant -args -first=%d -seeds=1", r, r.Trace(), r.Seed)
		} else {
			t.Errorf("%s", r)
		}
		return failed >= 20
	})
	took := time.Since(begun)
	t.Logf("%d worlds in %s, %.0f/s, %d failed %v", *seedsFlag, took.Round(time.Millisecond), float64(*seedsFlag)/took.Seconds(), failed, kinds)
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Log(fmt.Sprintf("%8d  %s", seen[what], what))
	}
}
