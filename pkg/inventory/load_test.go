package inventory_test

import (
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
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

// The shipped file is made to be edited, so it is held to nothing but its form.
func TestTheShippedFileLoadsAndTheExampleShowsEverything(t *testing.T) {
	load(t, "../../infra/services.yaml")
	example := load(t, "../../infra/services.example.yaml")
	s, ok := example.Lookup("prod-shop-01")
	for i := range reflect.TypeOf(s).NumField() {
		if reflect.ValueOf(s).Field(i).IsZero() {
			t.Errorf("the example does not show %s: %+v (%v)", reflect.TypeOf(s).Field(i).Name, s, ok)
		}
	}
	if len(example.Entries(integration.Channels)) == 0 {
		t.Error("the example shows no channel")
	}
}

func load(t *testing.T, file string) *inventory.Inventory {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Load(data, nil)
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
