package sim

import (
	"flag"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedsFlag = flag.Int("seeds", 300, "how many worlds TestSim simulates")
	firstFlag = flag.Uint64("first", 1, "the first seed")
	failsFlag = flag.Int("fails", 20, "stop after that many failing seeds")
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

// gcPercent lets the small heap of a few worlds grow further before it is collected,
// which took a third of the time.
const gcPercent = 400

// sweep runs seeds on all processors and hands each report to use, one at a
// time, until use says stop.
func sweep(t *testing.T, f *Fixtures, first uint64, seeds int, h Hooks, use func(Report) (stop bool)) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
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

// TestSimHoldsEveryInvariant is what `make sim SEEDS=n` runs. The inner loop simulates
// a few worlds, which come to less than all of what is to be reached.
func TestSimHoldsEveryInvariant(t *testing.T) {
	f := fixtures(t)
	seeds := *seedsFlag
	if testing.Short() {
		seeds = min(seeds, shortSeeds)
	}
	begun := time.Now()
	ran, failed, known := 0, 0, 0
	seen, broken := map[string]int{}, map[string]int{}
	sweep(t, f, *firstFlag, seeds, Hooks{}, func(r Report) bool {
		ran++
		for what, n := range r.Seen {
			seen[what] += n
		}
		for _, v := range r.Violations {
			broken[v.Invariant]++
		}
		switch {
		case len(r.Violations) == 0:
		case r.isKnown():
			known++
			t.Logf("seed %d: known: %s", r.Seed, r.because())
		default:
			if failed++; failed == 1 || *traceFlag {
				t.Errorf("%s%s\nreplay: go test ./infra/local/sim -run TestSimHoldsEveryInvariant -args -first=%d -seeds=1", r, r.Trace(), r.Seed)
			} else {
				t.Errorf("%s", r)
			}
		}
		return failed >= *failsFlag
	})
	took := time.Since(begun)
	t.Logf("%d worlds in %s, %.0f/s: %d broke an invariant, %d more a known one", ran, took.Round(time.Millisecond), float64(ran)/took.Seconds(), failed, known)
	t.Logf("%d faults injected; %d effects on targets, %d doubled or unheld; %d untruthful outcomes; %d undone of %d that did not help and could be",
		seen["fault"]+seen["world crash"]+seen["world dies"], seen["act"], broken[invOnce], broken[invTruth], seen["undoing undone"], seen["undoable"])
	if testing.Verbose() {
		for _, what := range slices.Sorted(maps.Keys(seen)) {
			t.Logf("%8d  %s", seen[what], what)
		}
	}
	if ran >= reachSeeds {
		for _, what := range reached {
			if seen[what] == 0 {
				t.Errorf("in %d worlds there never was: %s", ran, what)
			}
		}
	}
}

// shortSeeds bounds the worlds of the inner loop.
const shortSeeds = 50

// reachSeeds is how many worlds have to come to everything in reached.
const reachSeeds = 250

// reached is what the simulation must come to, or it proves less than it seems to.
var reached = slices.Concat([]string{
	"world crash", "world restart", "world dies", "world deployment", "world outage", "joined",
	"answer already-decided", "answer expired", "answer forbidden", "answer no-fix", "answer not-waiting", "answer unavailable",
	"status RESOLVED", "status ESCALATED", "decision approve", "decision escalate", "decision resolve",
	"outcome fixed", "outcome simulated", "outcome failed", "outcome unknown", "outcome stale", "outcome applied",
	"refusal recovered",
	"undoing undone", "undoing failed", "drift", "refused by the platform", "stale sight",
	"delivered twice", "delivered late", "called once more", "known by its key", "chosen", "chosen and begun", "answer choose-plan", "answer plan-changed",
	"event detected", "event analyzed", "event approval-requested", "event approval-requested-again", "event notified",
	"event voted", "event decided", "event recovered", "event fix-queued", "event fix-started", "event fix-refused", "event fix-finished",
	"event planned", "event fix-applied", "event undo-started", "event undo-applied", "event undo-finished",
	"event fix-finished-late", "event ticket-created", "event resolved", "event escalated",
}, slices.Collect(func(yield func(string) bool) {
	for _, reason := range reasons {
		if !yield("reason " + string(reason)) {
			return
		}
	}
}))

// TestASeedReplaysExactly runs seeds twice, among others, and compares all that
// happened.
func TestASeedReplaysExactly(t *testing.T) {
	f := fixtures(t)
	seeds := 40
	if testing.Short() {
		seeds = 10
	}
	hashes := map[uint64]string{}
	for range 2 {
		sweep(t, f, 1000, seeds, Hooks{}, func(r Report) bool {
			if before, ok := hashes[r.Seed]; ok && before != r.Hash {
				t.Errorf("seed %d: another trace the second time", r.Seed)
			}
			hashes[r.Seed] = r.Hash
			return false
		})
	}
	if hashes[1000] == hashes[1001] {
		t.Error("two seeds have the same trace")
	}
}
