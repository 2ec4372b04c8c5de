package inventory

import (
	"cmp"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Breaker is when a fix that does not help is no longer tried.
type Breaker struct {
	Fixes  int           // as many fixes in vain open it
	Within time.Duration // of the last so long
	// Watch is how long the same trouble must stay away after a fix for it to have helped.
	Watch time.Duration
}

// What a breaker is where services.yaml does not say.
const (
	DefaultBreakerFixes  = 2
	DefaultBreakerWithin = 24 * time.Hour
	DefaultWatch         = 15 * time.Minute
)

// Limits of breakers.
const (
	maxBreakerFixes  = incident.MaxPastFixes / 2 // the rest is room for other fixes
	minBreakerWithin = time.Minute
	maxBreakerWithin = 30 * 24 * time.Hour
	minWatch         = time.Second
	maxWatch         = 24 * time.Hour
)

// BreakerOf is the breaker of a service, listed or not.
func (inv *Inventory) BreakerOf(service string) Breaker {
	own := inv.services[service].Breaker
	return Breaker{
		Fixes:  cmp.Or(own.Fixes, inv.breaker.Fixes, DefaultBreakerFixes),
		Within: cmp.Or(own.Within, inv.breaker.Within, DefaultBreakerWithin),
		Watch:  cmp.Or(own.Watch, inv.breaker.Watch, DefaultWatch),
	}
}

// breakerOf reads a section breaker. What it leaves out is zero.
func (r *reader) breakerOf(f field) (b Breaker) {
	fields, ok := r.known(f.node, f.path, "fixes", "within", "watch")
	if !ok {
		return b
	}
	if n, found := fields["fixes"]; found {
		b.Fixes, _ = r.integer(n.node, n.path, 1, maxBreakerFixes)
	}
	if d, found := fields["within"]; found {
		b.Within, _ = r.duration(d.node, d.path, minBreakerWithin, maxBreakerWithin, time.Second)
	}
	if d, found := fields["watch"]; found {
		b.Watch, _ = r.duration(d.node, d.path, minWatch, maxWatch, time.Second)
	}
	return b
}

// Trips returns the fixes in vain that open the breaker for another one of the same; none
// while it is closed.
func (b Breaker) Trips(h incident.FixHistory, fixID string, now time.Time) []incident.PastFix {
	vain := h.Vain(fixID, now.Add(-b.Within), now)
	if len(vain) < b.Fixes {
		return nil
	}
	return vain
}
