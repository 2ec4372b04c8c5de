package ticket_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket"
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
)

func at() time.Time { return time.Date(2026, 11, 2, 14, 5, 0, 0, time.UTC) }

// drawer is a Store that keeps nothing.
type drawer struct{}

func (drawer) PutTicket(_ context.Context, t simulated.Record) (simulated.Record, error) {
	return t, nil
}

func (drawer) Tickets(context.Context, string, int, string) ([]simulated.Record, string, error) {
	return nil, "", nil
}

func TestOpenGivesTheSimulatedTracker(t *testing.T) {
	var tracker steps.Tracker // what create-ticket asks for
	tracker, err := ticket.Open(ticket.Settings{PublicURL: "http://localhost:3000", Now: at}, drawer{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := tracker.Open(context.Background(), incident.Ref{Tenant: "default", ID: "INC-01JZ0000000000000000000000"}, brief.Brief{})
	want := incident.Ticket{Tracker: "simulated", Key: "SIM-01JZ0000000000000000000000", URL: "http://localhost:3000/tickets/SIM-01JZ0000000000000000000000"}
	if err != nil || got != want {
		t.Errorf("Open = %+v, %v; want %+v", got, err, want)
	}
}

func TestOpenRefusesSettingsByName(t *testing.T) {
	tests := []struct {
		name, want string
		settings   ticket.Settings
		store      simulated.Store
	}{
		{"no store", "Store is missing", ticket.Settings{PublicURL: "http://localhost:3000", Now: at}, nil},
		{"no clock", "Now is missing", ticket.Settings{PublicURL: "http://localhost:3000"}, drawer{}},
		{"no address", "PublicURL must be", ticket.Settings{Now: at}, drawer{}},
		{"relative address", "PublicURL must be", ticket.Settings{PublicURL: "/x", Now: at}, drawer{}},
		{"script address", "PublicURL must be", ticket.Settings{PublicURL: "javascript://x/", Now: at}, drawer{}},
		{"credentials", "PublicURL must be", ticket.Settings{PublicURL: "https://a:b@x/", Now: at}, drawer{}},
		{"query", "PublicURL must be", ticket.Settings{PublicURL: "https://x/?a=b", Now: at}, drawer{}},
	}
	for _, tt := range tests {
		tracker, err := ticket.Open(tt.settings, tt.store)
		if err == nil || !strings.Contains(err.Error(), tt.want) || tracker != nil {
			t.Errorf("%s: Open = %v, %v; want no tracker and an error with %q", tt.name, tracker, err, tt.want)
		}
	}
}
