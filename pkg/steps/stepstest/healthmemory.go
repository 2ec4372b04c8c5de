package stepstest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/steps"
)

// HealthMemoryContract runs the contract of what the health check keeps from one round to
// the next. It leaves the service web of the tenant kept with one vulnerability.
func HealthMemoryContract(t *testing.T, m steps.HealthMemory) {
	is := func(tenant, service string, want steps.HealthState) {
		t.Helper()
		got, err := m.Health(t.Context(), tenant, service)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", service, tenant, diff)
		}
	}
	is("kept", "web", steps.HealthState{})
	two := steps.HealthState{Vulnerabilities: []string{"CVE-2024-1", "GHSA-a"}, Checks: map[string]steps.Streak{"status": {Bad: 2, Unwell: true}}}
	one := steps.HealthState{Vulnerabilities: []string{"CVE-2024-1"}}
	for _, s := range []steps.HealthState{two, {}, one} { // the last one counts
		if err := m.KeepHealth(t.Context(), "kept", "web", s); err != nil {
			t.Fatal(err)
		}
		is("kept", "web", s)
	}
	is("kept", "other", steps.HealthState{})
	is("elsewhere", "web", steps.HealthState{})
}
