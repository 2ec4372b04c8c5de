package main

import (
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/steps"
)

func TestTheExitStatusTellsUnwellFromNotLookedAt(t *testing.T) {
	sick := []steps.HealthIssue{{Service: "shop", Check: "status", Detail: "it answered with status 500", IncidentID: "INC-1"}}
	holes := []steps.VulnerabilityIssue{{Service: "shop", ID: "CVE-2024-1", Severity: "high", KnownExploited: true, EPSS: 0.5, IncidentID: "INC-2",
		Packages: []steps.Vulnerable{{Name: "left-pad", Version: "1.0.0", FixedIn: "1.0.1"}, {Name: "right-pad", Version: "2"}}}}
	gaps := []steps.HealthGap{{Service: "shop", What: "OSV answered 503"}}
	accepted := []steps.AcceptedIssue{{Service: "shop", ID: "CVE-2024-2", Reason: "never called", Until: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}}
	for name, tt := range map[string]struct {
		report steps.HealthReport
		status int
		says   []string
	}{
		"well":       {steps.HealthReport{Checked: 2}, 0, []string{"2 services probed, 0 unwell"}},
		"accepted":   {steps.HealthReport{Accepted: accepted}, 0, []string{"accepted", "CVE-2024-2", "until 2026-12-31: never called"}},
		"unwell":     {steps.HealthReport{Unhealthy: sick}, 1, []string{"UNWELL", "shop", "status 500", "INC-1"}},
		"vulnerable": {steps.HealthReport{Vulnerable: holes}, 1, []string{"left-pad 1.0.0, mended in 1.0.1; right-pad 2, no version mends it yet; exploited in the wild; EPSS 0.50"}},
		"gap":        {steps.HealthReport{Gaps: gaps}, 2, []string{"NOT CHECKED", "OSV answered 503"}},
		"lost":       {steps.HealthReport{Failed: 1}, 2, nil},
		"both":       {steps.HealthReport{Unhealthy: sick, Gaps: gaps}, 1, []string{"UNWELL", "NOT CHECKED"}},
		"noted only": {steps.HealthReport{Notes: gaps}, 0, []string{"note"}},
	} {
		var table, whole strings.Builder
		if status := printHealth(&table, tt.report, false); status != tt.status {
			t.Errorf("%s: status %d, want %d", name, status, tt.status)
		}
		if status := printHealth(&whole, tt.report, true); status != tt.status || !strings.HasPrefix(whole.String(), "{") {
			t.Errorf("%s as JSON: status %d, want %d", name, status, tt.status)
		}
		for _, want := range tt.says {
			if !strings.Contains(table.String(), want) {
				t.Errorf("%s does not say %q:\n%s", name, want, table.String())
			}
		}
	}
}
