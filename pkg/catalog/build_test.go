package catalog_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
)

func ref() incident.Ref {
	return incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JZ0000000000000000000000"}
}

func target() incident.Target {
	return incident.Target{Service: "prod-api-01", Type: "simulated", Attributes: map[string]string{"region": "eu-central-1"}}
}

func TestBuildFreezesThePlan(t *testing.T) {
	fix, _ := catalog.Lookup("scale-out")
	got, err := catalog.Build(ref(), catalog.IDs(), target(), incident.Proposal{FixID: "scale-out", Parameters: map[string]string{"instances": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	want := incident.Plan{
		FixID: "scale-out", Title: "Add 2 instances to prod-api-01", Risk: "medium", Target: target(),
		Parameters: map[string]string{"instances": "2"}, FixDigest: fix.Digest(),
	}
	want = want.Freeze(ref())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the plan differs (-want +got):\n%s", diff)
	}
	if got.Hash == "" {
		t.Error("the plan is not frozen")
	}
}

func TestEveryFixHasAReadableTitle(t *testing.T) {
	want := map[string]string{
		"restart-service":     "Restart prod-api-01",
		"scale-out":           "Add 1 instance to prod-api-01",
		"rollback-deployment": "Roll prod-api-01 back to the version before the last deployment",
		"free-disk-space":     "Delete temporary files and rotated logs older than 7 days on prod-api-01",
		"renew-certificate":   "Renew the TLS certificate of prod-api-01",
		"flush-dns-cache":     "Flush the DNS cache of prod-api-01",
		"recycle-connections": "Close and reopen the pooled connections of prod-api-01",
		"reduce-concurrency":  "Reduce the concurrency of prod-api-01 by 50 percent",
		"replace-instance":    "Replace the least healthy instance of prod-api-01",
		"cordon-node":         "Keep new work off the node on which the least healthy instance of prod-api-01 runs",
		"fail-over":           "Fail prod-api-01 over to its standby",
		"sync-deployment":     "Bring prod-api-01 back to what is declared for it",
		"revert-change":       "Open a pull request that reverts the last change merged into prod-api-01",
		"rerun-workflow":      "Run the failed jobs of the last workflow run of prod-api-01 again",
		"run-runbook":         "Run the runbook that services.yaml names for prod-api-01",
		"disable-flag":        "Turn off the feature flag that services.yaml names for prod-api-01",
	}
	got := map[string]string{}
	for _, id := range catalog.IDs() {
		p, err := catalog.Propose(catalog.IDs(), id, nil)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := catalog.Build(ref(), catalog.IDs(), target(), p)
		if err != nil {
			t.Fatal(err)
		}
		got[id] = plan.Title
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("titles differ (-want +got):\n%s", diff)
	}
}

func TestServiceNameCannotPassForAPlaceholder(t *testing.T) {
	odd := target()
	odd.Service = "{instances}"
	plan, err := catalog.Build(ref(), catalog.IDs(), odd, incident.Proposal{FixID: "scale-out", Parameters: map[string]string{"instances": "2"}})
	if err != nil || plan.Title != "Add 2 instances to {instances}" {
		t.Errorf("Build = %q, %v", plan.Title, err)
	}
}

func TestBuildTrustsNothingThatWasCheckedBefore(t *testing.T) {
	proposal := func(id string, params map[string]string) incident.Proposal {
		return incident.Proposal{FixID: id, Parameters: params}
	}
	scale := func(n string) incident.Proposal { return proposal("scale-out", map[string]string{"instances": n}) }
	tests := []struct {
		name        string
		allowed     []string
		target      incident.Target
		proposal    incident.Proposal
		field, want string
	}{
		{"gone from the catalogue", catalog.IDs(), target(), proposal("reboot", nil), "fixId", "is not in the catalogue"},
		{"no longer allowed", []string{"restart-service"}, target(), scale("2"), "fixId", "is not allowed"},
		{"out of range", catalog.IDs(), target(), scale("6"), "parameters.instances", "is out of range"},
		{"negative", catalog.IDs(), target(), scale("-1"), "parameters.instances", "is out of range"},
		{"not canonical", catalog.IDs(), target(), scale("02"), "parameters.instances", "plain digits"},
		{"with a sign", catalog.IDs(), target(), scale("+2"), "parameters.instances", "plain digits"},
		{"command", catalog.IDs(), target(), scale("2;reboot"), "parameters.instances", "plain digits"},
		{"empty", catalog.IDs(), target(), scale(""), "parameters.instances", "plain digits"},
		{"too large to read", catalog.IDs(), target(), scale(strings.Repeat("9", 40)), "parameters.instances", "plain digits"},
		{"missing", catalog.IDs(), target(), proposal("scale-out", nil), "parameters.instances", "is missing"},
		{"unknown parameter", catalog.IDs(), target(), proposal("restart-service", map[string]string{"force": "1"}), "parameters", `takes no parameter "force"`},
		{"no service", catalog.IDs(), incident.Target{Type: "simulated"}, scale("2"), "target", "services.yaml"},
		{"no type", catalog.IDs(), incident.Target{Service: "a"}, scale("2"), "target", "services.yaml"},
	}
	for _, tt := range tests {
		_, err := catalog.Build(ref(), tt.allowed, tt.target, tt.proposal)
		checkInvalid(t, tt.name, err, tt.field, tt.want)
	}
	_, err := catalog.Build(incident.Ref{Tenant: "default"}, catalog.IDs(), target(), scale("2"))
	checkInvalid(t, "no incident", err, "incidentId", "is empty")
}

func TestBuildAgainGivesTheSameHashAndOtherValuesAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]string{"1", "2", "3", "4", "5"})
		p, q := n.Draw(t, "p"), n.Draw(t, "q")
		build := func(n string) incident.Plan {
			plan, err := catalog.Build(ref(), catalog.IDs(), target(), incident.Proposal{FixID: "scale-out", Parameters: map[string]string{"instances": n}})
			if err != nil {
				t.Fatal(err)
			}
			return plan
		}
		if same := build(p).Hash == build(q).Hash; same != (p == q) {
			t.Fatalf("hashes of %s and %s are the same: %v", p, q, same)
		}
	})
}

func TestBuildKeepsNoMapOfItsCaller(t *testing.T) {
	tgt, params := target(), map[string]string{"instances": "2"}
	plan, err := catalog.Build(ref(), catalog.IDs(), tgt, incident.Proposal{FixID: "scale-out", Parameters: params})
	if err != nil {
		t.Fatal(err)
	}
	hash := plan.Hash
	maps.Copy(params, map[string]string{"instances": "5"})
	tgt.Attributes["region"] = "x"
	if plan.HashFor(ref()) != hash {
		t.Error("a caller's later change reached the frozen plan")
	}
}
