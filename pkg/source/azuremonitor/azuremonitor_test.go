package azuremonitor_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/azuremonitor"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const password = "azure-password-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "AZURE")},
			stepstest.Secrets{"AZURE": "opsguard:azure-former-0123456789 opsguard:" + password}
	}}
}

func sent(t *testing.T, name string) stepstest.Sent {
	t.Helper()
	return stepstest.SentBy(t, stepstest.Basic("opsguard", password), name, 1)
}

// The fixtures follow "Common alert schema" and "Sample alert payloads" in the
// documentation of Azure Monitor, read in November 2026.
func TestItIsASource(t *testing.T) {
	var all []stepstest.Sent
	for _, name := range []string{"metric", "metric-resolved", "dynamic", "log", "log-v1", "activity", "resource-health",
		"resource-health-over", "service-health", "prometheus", "budget"} {
		all = append(all, sent(t, name))
	}
	stepstest.SourceContract(t, azuremonitor.Integration(), vendor(), all...)
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, azuremonitor.Integration(), vendor(), "azure-monitor")
}

func parse(t *testing.T, body string) (incident.Alert, error) {
	t.Helper()
	return stepstest.ParseOne(t, stepstest.OpenSource(t, azuremonitor.Integration(), vendor()), body)
}

func TestTroubleAndItsEndAreOne(t *testing.T) {
	for begin, end := range map[string]string{"metric": "metric-resolved", "resource-health": "resource-health-over"} {
		stepstest.OneTrouble(t, stepstest.OpenSource(t, azuremonitor.Integration(), vendor()), sent(t, begin), sent(t, end))
	}
}

func TestAzuresFiveSeverities(t *testing.T) {
	body := string(sent(t, "metric").Request.Body)
	for sev, want := range map[string]incident.Severity{
		"Sev0": incident.Critical, "Sev1": incident.High, "Sev2": incident.Medium, "Sev3": incident.Low, "Sev4": incident.Low,
		"new": incident.High,
	} {
		if a, err := parse(t, strings.Replace(body, `"Sev1"`, `"`+sev+`"`, 1)); err != nil || a.Severity != want {
			t.Errorf("%s: %s, %v; want %s", sev, a.Severity, err, want)
		}
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	whole := string(sent(t, "metric").Request.Body)
	for what, test := range map[string]struct{ body, want string }{
		"another schema": {`{"schemaId":"AzureMonitorMetricAlert","data":{}}`, "schemaId: must be azureMonitorCommonAlertSchema"},
		"no schema":      {`{"status":"Activated","context":{}}`, "schemaId: must be azureMonitorCommonAlertSchema"},
		"no alert":       {`{"schemaId":"azureMonitorCommonAlertSchema"}`, "data.essentials.alertId: is missing"},
		"a condition":    {strings.Replace(whole, `"Fired"`, `"Suppressed"`, 1), "data.essentials.monitorCondition: must be Fired or Resolved"},
		"a time":         {strings.Replace(whole, "2026-11-20T03:12:44.3713213Z", "yesterday", 1), "data.essentials.firedDateTime: must be"},
	} {
		if _, err := parse(t, test.body); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", what, err, test.want)
		}
	}
}

func TestARuleWithSeveralConditionsIsReadWhole(t *testing.T) {
	second := `"allOf": [{"metricName": "Available Memory Bytes", "operator": "LessThan", "threshold": "1000", "timeAggregation": "Average",
		"metricValue": 12}, `
	a, err := parse(t, strings.Replace(string(sent(t, "metric").Request.Body), `"allOf": [`, second, 1))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(a.ErrorLogs, "Available Memory Bytes: Average 12 LessThan 1000") || !strings.Contains(a.ErrorLogs, "97.31") {
		t.Errorf("%v: %s", err, a.ErrorLogs)
	}
}

func TestClaimsOfACallerAreNotKept(t *testing.T) {
	a, err := parse(t, string(sent(t, "activity").Request.Body))
	if err != nil || strings.Contains(a.ErrorLogs, "management.core") {
		t.Errorf("%v: %s", err, a.ErrorLogs)
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &azuremonitor.Source{}) }
