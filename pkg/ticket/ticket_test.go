package ticket_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/ticket"
)

func TestTheSimulatedTrackerIsThereWithoutBeingListed(t *testing.T) {
	opened, err := ticket.Open(stepstest.Env(nil), nil)
	if err != nil || len(opened) != 1 || opened[0].It.Name() != "simulated" {
		t.Fatalf("opened %v, %v", opened, err)
	}
	got, err := opened[0].It.Open(t.Context(), incident.Ref{Tenant: "default", ID: "INC-01JZ0000000000000000000000"}, brief.Brief{})
	want := incident.Ticket{Tracker: "simulated", Key: "SIM-01JZ0000000000000000000000", URL: "http://localhost:3000/tickets/SIM-01JZ0000000000000000000000"}
	if err != nil || got != want {
		t.Errorf("Open = %+v, %v; want %+v", got, err, want)
	}
}

func TestOpenRefusesByName(t *testing.T) {
	for name, c := range map[string]struct {
		want  string
		spoil func(*integration.Env)
	}{
		"no store":         {"no store for tickets", func(e *integration.Env) { e.Tickets = nil }},
		"no clock":         {"Now is missing", func(e *integration.Env) { e.Now = nil }},
		"no address":       {"OPSGUARD_PUBLIC_URL", func(e *integration.Env) { e.PublicURL = "" }},
		"relative address": {"OPSGUARD_PUBLIC_URL", func(e *integration.Env) { e.PublicURL = "/x" }},
		"script address":   {"OPSGUARD_PUBLIC_URL", func(e *integration.Env) { e.PublicURL = "javascript://x/" }},
		"credentials":      {"OPSGUARD_PUBLIC_URL", func(e *integration.Env) { e.PublicURL = "https://a:b@x/" }},
		"query":            {"OPSGUARD_PUBLIC_URL", func(e *integration.Env) { e.PublicURL = "https://x/?a=b" }},
	} {
		env := stepstest.Env(nil)
		c.spoil(&env)
		if opened, err := ticket.Open(env, nil); err == nil || !strings.Contains(err.Error(), c.want) || opened != nil {
			t.Errorf("%s: Open = %v, %v; want an error with %q", name, opened, err, c.want)
		}
	}
}
