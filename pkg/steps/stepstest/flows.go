package stepstest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// FlowsContract runs the contract of what keeps the flows of services.
func FlowsContract(t *testing.T, f steps.Flows) {
	tenant := "t-" + ulid.Make().String()
	meet := func(service string, n int) {
		t.Helper()
		err := f.Update(t.Context(), tenant, service, func(flow *incident.Flow) {
			a := incident.Alert{Tenant: tenant, Source: "api", Service: service, DedupKey: fmt.Sprint(n), ErrorLogs: "x", Severity: incident.High}
			flow.Meet(a, a.Trouble(), service, 2, epoch)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("NothingIsThereBefore", func(t *testing.T) {
		if flow, err := f.Flow(t.Context(), tenant, "web"); err != nil || flow.Version != 0 {
			t.Errorf("%+v, %v", flow, err)
		}
	})
	t.Run("WhatWasChangedIsThere", func(t *testing.T) {
		for n := range 4 {
			meet("web", n)
		}
		meet("other", 0)
		want := incident.Flow{Version: 4, Hour: epoch.Truncate(time.Hour), Opened: 2,
			Sources: []incident.Share{{Source: "api", Opened: 2}}, Folded: []incident.Folded{{Shape: "x", Count: 2}}}
		got, err := f.Flow(t.Context(), tenant, "web")
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
	t.Run("WhatIsGivenOutIsACopy", func(t *testing.T) {
		got, err := f.Flow(t.Context(), tenant, "web")
		if err != nil {
			t.Fatal(err)
		}
		got.Folded[0].Count = 99
		if again, err := f.Flow(t.Context(), tenant, "web"); err != nil || again.Folded[0].Count != 2 {
			t.Errorf("%+v, %v", again, err)
		}
	})
	t.Run("OfManyAtOnceThoseThatWereTakenAreKept", func(t *testing.T) {
		var taken sync.Map
		var group sync.WaitGroup
		for n := range 16 {
			group.Go(func() {
				err := f.Update(t.Context(), tenant, "busy", func(flow *incident.Flow) { flow.Version++; flow.Opened++ })
				taken.Store(n, err == nil)
			})
		}
		group.Wait()
		count := 0
		taken.Range(func(_, ok any) bool {
			if ok == true {
				count++
			}
			return true
		})
		if flow, err := f.Flow(t.Context(), tenant, "busy"); err != nil || flow.Opened != count || count == 0 {
			t.Errorf("%d updates were taken, %d are kept, %v", count, flow.Opened, err)
		}
	})
}
