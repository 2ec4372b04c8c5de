package dynamo

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
)

func TestATicketIsOpenedOnce(t *testing.T) {
	cfg := testConfig(t)
	s, err := Open(cfg, Settings{Table: newTable(t, cfg)})
	if err != nil {
		t.Fatal(err)
	}
	first := incident.Ticket{Tenant: "t", Key: "SIM-1", IncidentID: "INC-1", Title: "title", Body: "body", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	again := first
	again.Title = "another"
	for _, put := range []incident.Ticket{first, again} {
		stands, err := s.PutTicket(t.Context(), put)
		if d := cmp.Diff(first, stands); d != "" || err != nil {
			t.Errorf("put %q: %v (-want +got):\n%s", put.Title, err, d)
		}
	}
	if got, err := s.Ticket(t.Context(), "t", "SIM-1"); got != first || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for tenant, key := range map[string]string{"t": "SIM-2", "another": "SIM-1"} {
		if _, err := s.Ticket(t.Context(), tenant, key); incident.KindOf(err) != incident.NotFound {
			t.Errorf("%s of %s: %v", key, tenant, err)
		}
	}
}

func TestTicketsAreListedNewestFirstAndPaged(t *testing.T) {
	cfg := testConfig(t)
	s, err := Open(cfg, Settings{Table: newTable(t, cfg)})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := range 5 {
		key := fmt.Sprintf("SIM-%d", n)
		if _, err := s.PutTicket(t.Context(), incident.Ticket{Tenant: "t", Key: key}); err != nil {
			t.Fatal(err)
		}
		want = append(want, key)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 2, 5, 9} {
		var got []string
		for cursor, more := "", true; more && len(got) < 9; more = cursor != "" {
			page, next, err := s.Tickets(t.Context(), "t", limit, cursor)
			if err != nil || len(page) > limit {
				t.Fatalf("%d: %v, %v", limit, page, err)
			}
			for _, ticket := range page {
				got = append(got, ticket.Key)
			}
			cursor = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d at a time: %v, want %v", limit, got, want)
		}
	}
	if page, _, err := s.Tickets(t.Context(), "another", 9, ""); err != nil || len(page) > 0 {
		t.Errorf("another tenant's: %v, %v", page, err)
	}
	if _, _, err := s.Tickets(t.Context(), "t", 9, "!"); incident.CodeOf(err) != incident.CodeInvalid {
		t.Errorf("a bad cursor: %v", err)
	}
}
