package incident

import (
	"testing"
	"time"
)

// A call acts within MaxFixTime of its claim, and what it began may take all of the plan's
// limit, whether or not anybody hears of it: the target is taken for longer.
func TestTheHoldOutlivesWhateverTheCallMayHaveBegun(t *testing.T) {
	for name, c := range map[string]struct {
		target string
		limit  time.Duration
		want   time.Duration
	}{
		"a fix that names no limit": {"ecs", 0, HoldTime},
		"a short fix":               {"ecs", 2 * time.Minute, HoldTime + 2*time.Minute},
		"the longest fix":           {"ecs", MaxFixLimit, HoldTime + MaxFixLimit},
		"one that begins nothing":   {SimulatedTarget, MaxFixLimit, HoldTime},
	} {
		p := Plan{Target: Target{Type: c.target}, LimitSeconds: int64(c.limit / time.Second)}
		if got := p.hold(); got != c.want {
			t.Errorf("%s: held for %s, want %s", name, got, c.want)
		}
	}
}
