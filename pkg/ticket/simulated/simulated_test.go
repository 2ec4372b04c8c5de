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
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
)

const id = "INC-01JZ0000000000000000000000"

func at() time.Time { return time.Date(2026, 11, 2, 14, 5, 0, 0, time.UTC) }

func ref() incident.Ref { return incident.Ref{Tenant: incident.DefaultTenant, ID: id} }

// memory is a Store in memory; fail, if set, is what it answers.
type memory struct {
	mu      sync.Mutex
	tickets map[string]simulated.Record
	fail    error
}

func (m *memory) PutTicket(_ context.Context, t simulated.Record) (simulated.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return simulated.Record{}, m.fail
	}
	if old, there := m.tickets[t.Tenant+"/"+t.Key]; there {
		return old, nil
	}
	if m.tickets == nil {
		m.tickets = map[string]simulated.Record{}
	}
	m.tickets[t.Tenant+"/"+t.Key] = t
	return t, nil
}

func (m *memory) Tickets(context.Context, string, int, string) ([]simulated.Record, string, error) {
	return nil, "", errors.New("a tracker never lists")
}

func tracker(t *testing.T, store simulated.Store) *simulated.Tracker {
	t.Helper()
	tr, err := simulated.New(simulated.Config{Store: store, PublicURL: "https://ops.example.com/prod/", Now: at})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestOpenKeepsTheBriefAsATicket(t *testing.T) {
	store := &memory{}
	b := brief.Brief{IncidentID: id, Title: "prod-api-01: out of memory", Severity: incident.High, Status: incident.WaitingForApproval,
		Links: brief.Links{Approve: "https://x/approve?t=SECRET", Escalate: "https://x/escalate?t=SECRET", Resolve: "https://x/resolve?t=SECRET", View: "https://x/incidents/" + id}}
	got, err := tracker(t, store).Open(context.Background(), ref(), b)
	if err != nil {
		t.Fatal(err)
	}
	want := incident.Ticket{Tracker: "simulated", Key: "SIM-01JZ0000000000000000000000",
		URL: "https://ops.example.com/prod/tickets/SIM-01JZ0000000000000000000000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the ticket differs (-want +got):\n%s", diff)
	}
	kept := store.tickets["default/SIM-01JZ0000000000000000000000"]
	if !strings.Contains(kept.Body, id) || !strings.Contains(kept.Body, "out of memory") {
		t.Errorf("the body does not hold the brief:\n%s", kept.Body)
	}
	if strings.Contains(kept.Body, "SECRET") {
		t.Errorf("the body holds a decision link:\n%s", kept.Body)
	}
	kept.Body = ""
	record := simulated.Record{Tenant: "default", Key: want.Key, IncidentID: id, Title: "[simulated] prod-api-01: out of memory", CreatedAt: at()}
	if diff := cmp.Diff(record, kept); diff != "" {
		t.Errorf("the record differs (-want +got):\n%s", diff)
	}
}

func TestOpenTwiceLeavesTheFirstTicket(t *testing.T) {
	store := &memory{}
	tr := tracker(t, store)
	first, err := tr.Open(context.Background(), ref(), brief.Brief{Title: "first"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := tr.Open(context.Background(), ref(), brief.Brief{Title: "second"})
	if err != nil || first != second {
		t.Errorf("the second Open = %+v, %v; the first %+v", second, err, first)
	}
	if n, title := len(store.tickets), store.tickets["default/"+first.Key].Title; n != 1 || title != "[simulated] first" {
		t.Errorf("%d tickets, titled %q", n, title)
	}
}

func TestOpenAtTheSameTimeLeavesOneTicket(t *testing.T) {
	store := &memory{}
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
	if len(store.tickets) != 1 {
		t.Errorf("%d tickets", len(store.tickets))
	}
}

func TestOpenPassesOnThatTheStoreFailed(t *testing.T) {
	store := &memory{fail: incident.Unavail("writing", errors.New("disk full"))}
	if _, err := tracker(t, store).Open(context.Background(), ref(), brief.Brief{}); incident.KindOf(err) != incident.Unavailable {
		t.Errorf("Open = %v; want Unavailable, which is worth repeating", err)
	}
}

func TestOpenRefusesWhatIsNoIncident(t *testing.T) {
	for _, bad := range []incident.Ref{{}, {Tenant: "default"}, {ID: id}, {Tenant: "default", ID: "INC-../../x"}} {
		if _, err := tracker(t, &memory{}).Open(context.Background(), bad, brief.Brief{}); incident.KindOf(err) != incident.Invalid {
			t.Errorf("Open of %v = %v; want Invalid", bad, err)
		}
	}
}

func TestOpenNeverHandsOutAnotherIncidentsTicket(t *testing.T) {
	const key = "SIM-01JZ0000000000000000000000"
	store := &memory{tickets: map[string]simulated.Record{"default/" + key: {Tenant: "default", Key: key, IncidentID: "INC-other"}}}
	if _, err := tracker(t, store).Open(context.Background(), ref(), brief.Brief{}); incident.KindOf(err) != incident.Conflict {
		t.Errorf("Open = %v; want Conflict", err)
	}
}

func TestLongBriefIsCut(t *testing.T) {
	store := &memory{}
	long := brief.Brief{Title: brief.Outside(strings.Repeat("ü", 1000)), Cause: brief.Outside(strings.Repeat("x", 100_000)), CauseBy: "rules"}
	got, err := tracker(t, store).Open(context.Background(), ref(), long)
	if err != nil {
		t.Fatal(err)
	}
	kept := store.tickets["default/"+got.Key]
	if len(kept.Title) > 300 || len(kept.Body) > 32*1024 || strings.Contains(kept.Title, "\ufffd") {
		t.Errorf("title %d bytes, body %d bytes", len(kept.Title), len(kept.Body))
	}
}
