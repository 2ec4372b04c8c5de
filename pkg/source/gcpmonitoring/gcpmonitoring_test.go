package gcpmonitoring_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/gcpmonitoring"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const password = "gcp-password-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "GCP")},
			stepstest.Secrets{"GCP": "opsguard:" + password + " opsguard:gcp-former-0123456789"}
	}}
}

func sent(t *testing.T, name string, alerts int) stepstest.Sent {
	t.Helper()
	return stepstest.SentBy(t, stepstest.Basic("opsguard", password), name, alerts)
}

// The fixtures follow the incident document of version 1.2 as receivers in public
// repositories and vendors' samples show it, read in November 2026; test.json follows the
// message of Test connection.
func TestItIsASource(t *testing.T) {
	stepstest.SourceContract(t, gcpmonitoring.Integration(), vendor(),
		sent(t, "open", 1), sent(t, "closed", 1), sent(t, "log", 1), sent(t, "test", 0))
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, gcpmonitoring.Integration(), vendor(), "gcp-monitoring")
}

func parse(t *testing.T, body string) (steps.Batch, error) {
	t.Helper()
	return stepstest.OpenSource(t, gcpmonitoring.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: []byte(body)})
}

func TestOpenAndClosedAreOneTrouble(t *testing.T) {
	stepstest.OneTrouble(t, stepstest.OpenSource(t, gcpmonitoring.Integration(), vendor()), sent(t, "open", 1), sent(t, "closed", 1))
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for body, field := range map[string]string{
		`{"version":"2.0","incident":{}}`: "version: ",
		`{"version":"1.2"}`:               "incident.incident_id: is missing",
		`{"version":"1.2","incident":{"incident_id":"","state":"open"}}`:            "incident.incident_id: is empty",
		`{"version":"1.2","incident":{"incident_id":"0.a","state":"acknowledged"}}`: "incident.state: must be open or closed",
	} {
		if _, err := parse(t, body); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v, want %s", body, err, field)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &gcpmonitoring.Source{}) }
