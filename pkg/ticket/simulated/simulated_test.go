package simulated_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
)

const id = "INC-01JZ0000000000000000000000"

func at() time.Time { return time.Date(2026, 11, 2, 14, 5, 0, 0, time.UTC) }

func ref() incident.Ref { return incident.Ref{Tenant: incident.DefaultTenant, ID: id} }

func tracker(t *testing.T, store *stepstest.Tickets) steps.Tracker {
	t.Helper()
	env := stepstest.Env(nil)
	env.Tickets, env.PublicURL, env.Now = store, "https://ops.example.com/prod/", at
	return stepstest.Open(t, env, integration.Trackers, simulated.Integration()).It
}

func TestOpenKeepsTheBriefAsATicket(t *testing.T) {
	store := &stepstest.Tickets{}
	b := brief.Brief{IncidentID: id, Title: "prod-api-01: out of memory", Severity: incident.High, Status: incident.WaitingForApproval,
		Links: brief.Links{Approve: "https://x/approve?t=SECRET", Escalate: "https://x/escalate?t=SECRET", Resolve: "https://x/resolve?t=SECRET", View: "https://x/incidents/" + id}}
	got, err := tracker(t, store).Open(context.Background(), ref(), b)
	if err != nil {
		t.Fatal(err)
	}
	want := incident.Ticket{Tracker: "test", Key: "SIM-01JZ0000000000000000000000",
		URL: "https://ops.example.com/prod/tickets/SIM-01JZ0000000000000000000000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the ticket differs (-want +got):\n%s", diff)
	}
	kept, _ := store.Kept("default", "SIM-01JZ0000000000000000000000")
	if !strings.Contains(kept.Body, id) || !strings.Contains(kept.Body, "out of memory") {
		t.Errorf("the body does not hold the brief:\n%s", kept.Body)
	}
	if strings.Contains(kept.Body, "SECRET") {
		t.Errorf("the body holds a decision link:\n%s", kept.Body)
	}
	kept.Body = ""
	record := incident.Ticket{Tenant: "default", Key: want.Key, IncidentID: id, Title: "[simulated] prod-api-01: out of memory", CreatedAt: at()}
	if diff := cmp.Diff(record, kept); diff != "" {
		t.Errorf("the record differs (-want +got):\n%s", diff)
	}
}

func TestOpenTwiceLeavesTheFirstTicket(t *testing.T) {
	store := &stepstest.Tickets{}
	tr := tracker(t, store)
	first, err := tr.Open(context.Background(), ref(), brief.Brief{Title: "first"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := tr.Open(context.Background(), ref(), brief.Brief{Title: "second"})
	if err != nil || first != second {
		t.Errorf("the second Open = %+v, %v; the first %+v", second, err, first)
	}
	if kept, n := store.Kept("default", first.Key); n != 1 || kept.Title != "[simulated] first" {
		t.Errorf("%d tickets, titled %q", n, kept.Title)
	}
}

func TestOpenAtTheSameTimeLeavesOneTicket(t *testing.T) {
	store := &stepstest.Tickets{}
	tr := tracker(t, store)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := tr.Open(context.Background(), ref(), brief.Brief{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, n := store.Kept("", ""); n != 1 {
		t.Errorf("%d tickets", n)
	}
}

func TestOpenPassesOnThatTheStoreFailed(t *testing.T) {
	store := &stepstest.Tickets{Fail: incident.Unavail("writing", errors.New("disk full"))}
	if _, err := tracker(t, store).Open(context.Background(), ref(), brief.Brief{}); incident.KindOf(err) != incident.Unavailable {
		t.Errorf("Open = %v; want Unavailable, which is worth repeating", err)
	}
}

func TestOpenRefusesWhatIsNoIncident(t *testing.T) {
	for _, bad := range []incident.Ref{{}, {Tenant: "default"}, {ID: id}, {Tenant: "default", ID: "INC-../../x"}} {
		if _, err := tracker(t, &stepstest.Tickets{}).Open(context.Background(), bad, brief.Brief{}); incident.KindOf(err) != incident.Invalid {
			t.Errorf("Open of %v = %v; want Invalid", bad, err)
		}
	}
}

func TestOpenNeverHandsOutAnotherIncidentsTicket(t *testing.T) {
	const key = "SIM-01JZ0000000000000000000000"
	store := &stepstest.Tickets{}
	if _, err := store.PutTicket(t.Context(), incident.Ticket{Tenant: "default", Key: key, IncidentID: "INC-other"}); err != nil {
		t.Fatal(err)
	}
	if _, err := tracker(t, store).Open(context.Background(), ref(), brief.Brief{}); incident.KindOf(err) != incident.Conflict {
		t.Errorf("Open = %v; want Conflict", err)
	}
}

func TestLongBriefIsCut(t *testing.T) {
	store := &stepstest.Tickets{}
	long := brief.Brief{Title: brief.Outside(strings.Repeat("ü", 1000)), Cause: brief.Outside(strings.Repeat("x", 100_000)), CauseBy: "rules"}
	got, err := tracker(t, store).Open(context.Background(), ref(), long)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := store.Kept("default", got.Key)
	if len(kept.Title) > 300 || len(kept.Body) > 32*1024 || strings.Contains(kept.Title, "\ufffd") {
		t.Errorf("title %d bytes, body %d bytes", len(kept.Title), len(kept.Body))
	}
}
