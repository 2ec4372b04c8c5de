package inventory_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

const everything = `
services:
  web:
    owner: shop
    target: {type: simulated, region: eu-central-1, replicas: 3, account: 012345678901}
    fixes: [restart-service, scale-out]
    health: {url: "https://shop.example.com/healthz?deep=1", maxLatency: 1500ms}
    approval: {quorum: 2, timeout: 4h, approvers: [anna, ben], twoPersonFixes: [scale-out]}
  api:
    owner: platform
    target: {type: simulated}
`

func TestLoadReadsEveryField(t *testing.T) {
	inv, err := inventory.Load([]byte(everything), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Service{
		{Name: "api", Owner: "platform", Target: incident.Target{Service: "api", Type: "simulated"}, Approval: inventory.Approval{Quorum: 1}},
		{
			Name: "web", Owner: "shop",
			Target: incident.Target{Service: "web", Type: "simulated", Attributes: map[string]string{
				"region": "eu-central-1", "replicas": "3", "account": "012345678901"}},
			Fixes:  []string{"restart-service", "scale-out"},
			Health: &inventory.Health{URL: "https://shop.example.com/healthz?deep=1", MaxLatency: 1500 * time.Millisecond},
			Approval: inventory.Approval{Quorum: 2, Timeout: 4 * time.Hour, Approvers: []string{"anna", "ben"},
				TwoPersonFixes: []string{"scale-out"}},
		},
	}
	if diff := cmp.Diff(want, inv.Services()); diff != "" {
		t.Errorf("Services() differs (-want +got):\n%s", diff)
	}
	got, ok := inv.Lookup("web")
	if diff := cmp.Diff(want[1], got); !ok || diff != "" {
		t.Errorf("Lookup(web) = %v, differs (-want +got):\n%s", ok, diff)
	}
	if s, ok := inv.Lookup("Web"); ok {
		t.Errorf("Lookup(Web) found %+v; names are told apart by case", s)
	}
}

func TestShippedFileLoadsAndCallsNobody(t *testing.T) {
	inv := loadShipped(t, func(s string) string { return s })
	s, ok := inv.Lookup("prod-api-01")
	if !ok || len(inv.Services()) != 1 {
		t.Fatalf("the shipped file lists %v; want prod-api-01 alone", inv.Services())
	}
	want := inventory.Service{Name: "prod-api-01", Owner: "platform", Target: incident.Target{Service: "prod-api-01", Type: "simulated"},
		Fixes: []string{"restart-service", "scale-out"}, Approval: inventory.Approval{Quorum: 1}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("prod-api-01 differs (-want +got):\n%s", diff)
	}
}

func TestShippedExampleLoadsOnceUncommented(t *testing.T) {
	inv := loadShipped(t, func(s string) string {
		head, example, found := strings.Cut(s, "  # Everything that a service can say:\n")
		if !found {
			t.Fatal("the shipped file has no commented example")
		}
		return head + regexp.MustCompile(`(?m)^  # ?`).ReplaceAllString(example, "  ")
	})
	s, ok := inv.Lookup("prod-shop-01")
	if !ok || s.Health == nil || len(s.Approval.Approvers) != 2 || s.Target.Attributes["region"] == "" {
		t.Errorf("the example does not show everything: %+v", s)
	}
}

func loadShipped(t *testing.T, edit func(string) string) *inventory.Inventory {
	t.Helper()
	data, err := os.ReadFile("../../infra/services.yaml")
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Load([]byte(edit(string(data))), nil)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestWhatLookupReturnsIsACopy(t *testing.T) {
	inv, err := inventory.Load([]byte(everything), nil)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := inv.Lookup("web")
	first.Fixes[0], first.Health.URL, first.Target.Attributes["region"] = "x", "x", "x"
	first.Approval.Approvers[0], first.Approval.TwoPersonFixes[0] = "x", "x"
	for _, s := range append(inv.Services(), mustLookup(t, inv, "web")) {
		if s.Name == "web" && (s.Fixes[0] == "x" || s.Health.URL == "x" || s.Target.Attributes["region"] == "x" ||
			s.Approval.Approvers[0] == "x" || s.Approval.TwoPersonFixes[0] == "x") {
			t.Errorf("a caller changed the inventory: %+v", s)
		}
	}
}

func mustLookup(t *testing.T, inv *inventory.Inventory, name string) inventory.Service {
	t.Helper()
	s, ok := inv.Lookup(name)
	if !ok {
		t.Fatalf("no service %s", name)
	}
	return s
}
