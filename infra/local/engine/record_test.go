package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/asl"
)

func TestStoredExecutionComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		exec := asl.Execution{
			Name: "run", Digest: strings.Repeat("0f", 32), Status: asl.Running, Input: []byte(`{"html":"<&>"}`), StartedAt: at, EnteredAt: at,
			State: "S", Data: []byte(`1.10`), Attempt: rapid.Int().Draw(t, "attempt"), Token: "secret",
			Phase:       rapid.SampledFrom([]asl.Phase{asl.Invoking, asl.Awaiting, asl.BackOff}).Draw(t, "phase"),
			RetriesUsed: []int{1, 0}, Timers: []asl.Timer{{Kind: asl.ExecutionTimer, At: at.Add(time.Hour)}, {Kind: asl.CallbackTimer, Attempt: 3, At: at}},
		}
		value, err := encodeExecution(exec)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeExecution(value)
		if diff := cmp.Diff(exec, back); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
		h, err := decodeHeader(value)
		if err != nil || h.digest != exec.Digest || h.invoking != (exec.Phase == asl.Invoking) || h.due != dueAt(exec) {
			t.Fatalf("header %+v, %v", h, err)
		}
		// At the stored millisecond the timer has come, and a millisecond earlier it has not.
		if due := time.UnixMilli(h.due); due.Before(at) || !due.Add(-time.Millisecond).Before(at) {
			t.Fatalf("due %s for a timer at %s", due, at)
		}
	})
}

func TestDamagedRecordIsRefused(t *testing.T) {
	for _, value := range []string{"", "short", strings.Repeat("\x02", 100), "\x01" + strings.Repeat("x", headerSize) + "{"} {
		if _, err := decodeExecution([]byte(value)); err == nil {
			t.Errorf("%q was read", value)
		}
	}
	if _, err := encodeExecution(asl.Execution{Digest: "short"}); err == nil {
		t.Error("a bad digest was stored")
	}
}
