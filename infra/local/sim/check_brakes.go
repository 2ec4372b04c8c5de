package sim

import (
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// checkLasting: where the same trouble was planned for anew while a fix was watched, the
// record of that fix says that it did not last, and names an incident of that trouble.
func (r record) checkLasting() {
	a := r.inc.Attempt
	if a == nil || a.WatchedUntil == nil {
		return
	}
	closed := r.event(incident.EventResolved)
	back := ""
	for ref, other := range r.w.memory.meta {
		if ref == r.inc.Ref || other.Fingerprint != r.inc.Fingerprint {
			continue
		}
		if a.Again == ref.ID {
			return
		}
		events := record{w: r.w, inc: other, events: r.w.memory.events[ref]}
		within := closed != nil && !other.CreatedAt.Before(closed.Time) && other.CreatedAt.Before(*a.WatchedUntil)
		if within && events.event(incident.EventPlanned) != nil {
			back = ref.ID
		}
	}
	switch {
	case a.Again != "":
		r.blame(invTruth, "it is said to be back as %s, which is another trouble", a.Again)
	case back != "":
		r.blame(invTruth, "the trouble was back as %s while its fix was watched, and it does not say so", back)
	}
}

// checkStopped: a fix that was stopped never began, and the record says by whom and why, or
// names the fixes in vain.
func (r record) checkStopped() {
	switch why := r.inc.RefusalWhy; {
	case r.inc.Refusal != incident.ReasonExecutionStopped:
	case r.inc.Attempt != nil:
		r.blame(invTruth, "its fix was stopped, and began")
	case strings.HasPrefix(why, "fixes are stopped: ") && strings.HasSuffix(why, whyStopped) && len(r.w.stopped) > 0:
	case !strings.HasPrefix(why, "the breaker is open: ") || strings.Count(why, " for INC-") < 2:
		r.blame(invTruth, "its fix was stopped, and it says %q", why)
	}
}

// checkBreaker: no fix begins on a service after two of the same in vain.
func (r record) checkBreaker() {
	started := r.event(incident.EventFixStarted)
	if started == nil || r.inc.Plan == nil {
		return
	}
	vain := 0
	for ref, other := range r.w.memory.meta {
		before := record{w: r.w, inc: other, events: r.w.memory.events[ref]}
		told := before.event(incident.EventDidNotLast)
		same := other.Service == r.inc.Service && other.Plan != nil && other.Plan.FixID == r.inc.Plan.FixID
		if same && told != nil && told.Time.Add(skewRoom).Before(started.Time) {
			vain++
		}
	}
	if vain >= 2 {
		r.blame(invTruth, "its fix began after %d of the same in vain", vain)
	}
}

// skewRoom is more than the clocks of two processes differ.
const skewRoom = 5 * time.Second
