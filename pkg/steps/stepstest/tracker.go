package stepstest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// TrackerContract holds a tracker to what create-ticket rests on: a ticket is
// opened once for an incident, whatever becomes of the answers. tickets tells how
// many the vendor has; nil where the tracker keeps them in Env.Tickets.
func TrackerContract(t *testing.T, d integration.Descriptor[steps.Tracker], v Vendor, tickets func() int) {
	promisesOfADescriptor(t, integration.Trackers, d.Type, v)
	one := incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JDEF0000000000000000WA1T"}
	two := incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JDEF0000000000000000WA2T"}
	before := 0
	count := func() int {
		if tickets == nil {
			return before
		}
		return tickets() - before
	}
	t.Run("it opens one ticket for an incident, however often it is asked", func(t *testing.T) {
		o := open(t, integration.Trackers, d, v)
		first, err := o.It.Open(t.Context(), one, waiting())
		if err != nil {
			t.Fatal(err)
		}
		if first.Tracker != o.It.Name() || o.It.Name() != "test" || first.Key == "" || first.URL == "" {
			t.Errorf("the ticket is %+v of the tracker %q", first, o.It.Name())
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if again, err := o.It.Open(t.Context(), one, waiting()); err != nil || again.Key != first.Key {
					t.Errorf("asked again: %+v, %v; want %s", again, err, first.Key)
				}
			})
		}
		all.Wait()
		other, err := o.It.Open(t.Context(), two, waiting())
		if err != nil || other.Key == first.Key {
			t.Errorf("another incident's ticket: %+v, %v", other, err)
		}
		if err := o.It.Update(t.Context(), one, first, waiting()); err != nil {
			t.Errorf("the ticket cannot be brought up to date: %v", err)
		}
		if tickets != nil && count() != 2 {
			t.Errorf("%d tickets for two incidents", count())
		}
	})
	if v.Handler == nil {
		return
	}
	o := open(t, integration.Trackers, d, v)
	t.Run("it finds the ticket whose answer was lost", func(t *testing.T) {
		before += count()
		lost := incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JDEF0000000000000000WA3T"}
		o.faults.answer(func(_ http.ResponseWriter, r *http.Request) {
			o.faults.vendor.ServeHTTP(httptest.NewRecorder(), r) // made, but nobody hears of it
			panic(http.ErrAbortHandler)
		})
		if _, err := o.It.Open(t.Context(), lost, waiting()); incident.KindOf(err) != incident.Unavailable {
			t.Errorf("%v, want Unavailable", err)
		}
		o.faults.answer(nil)
		if _, err := o.It.Open(t.Context(), lost, waiting()); err != nil || tickets != nil && count() != 1 {
			t.Errorf("%v, %d tickets; want the one that was made", err, count())
		}
	})
	ticket, err := o.It.Open(t.Context(), one, waiting())
	if err != nil {
		t.Fatal(err)
	}
	o.survivesItsVendor(t, call{"opening", func(ctx context.Context) error { _, err := o.It.Open(ctx, one, waiting()); return err }})
	o.survivesItsVendor(t, call{"updating", func(ctx context.Context) error { return o.It.Update(ctx, one, ticket, waiting()) }})
}
