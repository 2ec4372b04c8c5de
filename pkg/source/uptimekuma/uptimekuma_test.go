package uptimekuma_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/uptimekuma"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "kuma-token-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{
			integration.SecretSetting("authorization", "KUMA"),
			{Name: "url", Value: integration.Value{Text: "https://status.example.com/"}},
		}, stepstest.Secrets{"KUMA": token + " kuma-former-0123456789"}
	}}
}

func sent(t *testing.T, name string, alerts int) stepstest.Sent {
	t.Helper()
	return stepstest.SentBy(t, "Bearer "+token, name, alerts)
}

// The fixtures follow the source of Uptime Kuma 2.5.3, read in November 2026: webhook.js,
// heartbeat.js, monitor.js (sendNotification and sendCertNotificationByTargetDays) and
// domain_expiry.js.
func TestItIsASource(t *testing.T) {
	stepstest.SourceContract(t, uptimekuma.Integration(), vendor(), sent(t, "down", 1), sent(t, "up", 1), sent(t, "port", 1),
		sent(t, "certificate", 1), sent(t, "domain", 1), sent(t, "test", 0))
}

func parse(t *testing.T, body string) (steps.Batch, error) {
	t.Helper()
	return stepstest.OpenSource(t, uptimekuma.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: []byte(body)})
}

func TestPendingAndMaintenanceAreNoTrouble(t *testing.T) {
	for _, status := range []string{"2", "3"} {
		batch, err := parse(t, `{"heartbeat":{"status":`+status+`},"monitor":{"id":1,"name":"x"},"msg":"m"}`)
		if err != nil || len(batch.Alerts) != 0 {
			t.Errorf("status %s: %v, %v", status, batch, err)
		}
	}
}

func TestAnUnknownStatusIsRefusedByName(t *testing.T) {
	_, err := parse(t, `{"heartbeat":{"status":"up"},"monitor":{"id":1,"name":"x"},"msg":"m"}`)
	if err == nil || !strings.HasPrefix(err.Error(), "heartbeat.status: ") {
		t.Errorf("%v", err)
	}
}

func TestDownAndUpAreOneTrouble(t *testing.T) {
	stepstest.OneTrouble(t, stepstest.OpenSource(t, uptimekuma.Integration(), vendor()), sent(t, "down", 1), sent(t, "up", 1))
}

func TestACertificateIsOneTroubleHoweverManyDaysAreLeft(t *testing.T) {
	seven := string(sent(t, "certificate", 1).Request.Body)
	first, err := parse(t, seven)
	if err != nil {
		t.Fatal(err)
	}
	second, err := parse(t, strings.Replace(seven, "7 days", "3 days", 1))
	if err != nil || first.Alerts[0].Fingerprint() != second.Alerts[0].Fingerprint() {
		t.Errorf("%v: %v and %v", err, first, second)
	}
}

func TestAnAddressThatNobodyCanFollowIsRefused(t *testing.T) {
	err := uptimekuma.Settings{URL: "ftp://status.example.com"}.Validate()
	if incident.KindOf(err) != incident.Invalid || !strings.HasPrefix(err.Error(), "url: ") {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &uptimekuma.Source{}) }
