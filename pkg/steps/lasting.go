package steps

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// FixHistories keeps what was done to each service lately.
type FixHistories interface {
	// Fixes returns it, consistently; the zero value if nothing was done.
	Fixes(ctx context.Context, tenant, service string) (incident.FixHistory, error)
	// UpdateFixes changes it. change may be called again, with another one, when somebody
	// else changed it meanwhile.
	UpdateFixes(ctx context.Context, tenant, service string, change func(*incident.FixHistory)) error
}

// Lasting watches whether fixes help for good. Log-resolution notes each fix before it
// closes the incident, so that a crash between the two loses nothing. Plan-fix meets each
// new incident: where it is the same trouble as one that a fix was to end, that fix did
// not last. Both may be called again. A nil one watches nothing.
type Lasting struct {
	Store interface {
		Incidents
		FixHistories
	}
	Inventory *inventory.Inventory
	Now       Clock
	Log       *slog.Logger
}

// Note remembers the fix of an incident that is about to be closed, and returns until
// when its help is watched: zero where there is nothing to watch.
func (l *Lasting) Note(ctx context.Context, inc incident.Incident) (until time.Time, err error) {
	if l == nil || inc.Attempt == nil || inc.Status.Final() || inc.Plan.Simulated() { // a rehearsal changed nothing that could help
		return until, nil
	}
	watch := l.Inventory.BreakerOf(inc.Service).Watch
	err = l.Store.UpdateFixes(ctx, inc.Tenant, inc.Service, func(h *incident.FixHistory) { until = h.Note(inc, watch, l.Now()) })
	return until, err
}

// Meet takes notice of a new incident, has the incidents of fixes that did not last say
// so, and returns what was done to the service.
func (l *Lasting) Meet(ctx context.Context, inc incident.Incident) (incident.FixHistory, error) {
	if l == nil {
		return incident.FixHistory{}, nil
	}
	if _, listed := l.Inventory.Lookup(inc.Service); !listed {
		return incident.FixHistory{}, nil // nothing is ever done to it
	}
	history, err := l.Store.Fixes(ctx, inc.Tenant, inc.Service)
	if err != nil {
		return history, err
	}
	if met := history.Clone(); met.Update(func(h *incident.FixHistory) { h.Meet(inc) }) {
		err = l.Store.UpdateFixes(ctx, inc.Tenant, inc.Service, func(h *incident.FixHistory) {
			h.Meet(inc)
			history = h.Clone()
		})
		if err != nil {
			return history, err
		}
	}
	for _, f := range history.Untold() {
		if err := l.tell(ctx, inc, f); err != nil {
			return history, err
		}
	}
	return history, nil
}

// tell has the incident of a fix say that it did not last.
func (l *Lasting) tell(ctx context.Context, inc incident.Incident, f incident.PastFix) error {
	ref := incident.Ref{Tenant: inc.Tenant, ID: f.IncidentID}
	_, err := update(ctx, l.Store, ref, func(of incident.Incident) (incident.Change, error) {
		return of.DidNotLast(f.Again, f.AgainAt, l.Now())
	})
	switch {
	case incident.KindOf(err) == incident.Unavailable:
		return err
	case err != nil: // its record is lost, or it was closed otherwise: it can never be told
		logFailure(ctx, l.Log, ref, "it could not be recorded that the fix did not last", err)
	default:
		l.Log.WarnContext(ctx, "the fix did not last", "incidentId", f.IncidentID, "fixId", f.FixID, "again", f.Again)
	}
	return l.Store.UpdateFixes(ctx, inc.Tenant, inc.Service, func(h *incident.FixHistory) { h.Tell(f.IncidentID) })
}

// tripped says why a fix is not to be tried on a service any more; "" if it may be.
func tripped(inv *inventory.Inventory, h incident.FixHistory, inc incident.Incident, fixID string, now Clock) string {
	b := inv.BreakerOf(inc.Service)
	vain := b.Trips(h, fixID, now())
	if vain == nil {
		return ""
	}
	return fmt.Sprintf("%s was done %d times within %s and did not help for good: %s", fixID, len(vain), spell(b.Within), tried(vain))
}

// maxTried bounds how many fixes people are told of.
const maxTried = 3

// tried lists fixes in vain for people, the last first.
func tried(vain []incident.PastFix) string {
	var all []string
	for n := len(vain) - 1; n >= 0 && len(all) < maxTried; n-- {
		f := vain[n]
		text := fmt.Sprintf("at %s for %s", f.At.Format("2006-01-02 15:04 UTC"), f.IncidentID)
		if f.Again != "" {
			text += fmt.Sprintf(", back at %s as %s", f.AgainAt.Format("15:04"), f.Again)
		} else {
			text += ", not seen to help"
		}
		all = append(all, text)
	}
	if more := len(vain) - len(all); more > 0 {
		all = append(all, fmt.Sprintf("and %d before", more))
	}
	return strings.Join(all, "; ")
}

// spell writes whole hours and minutes without the zeros of String.
func spell(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return cmp.Or(text, d.String())
}
