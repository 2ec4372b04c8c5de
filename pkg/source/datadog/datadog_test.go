package datadog_test

import (
	"os"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/datadog"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "datadog-token-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "DATADOG")},
			stepstest.Secrets{"DATADOG": token + " datadog-former-0123456789"}
	}}
}

func sent(t *testing.T, name string, alerts int) stepstest.Sent {
	t.Helper()
	return stepstest.SentBy(t, "Bearer "+token, name, alerts)
}

// The fixtures are what the guide's payload sends, with the variables as "Webhooks" in
// Datadog's documentation describes them, read in November 2026.
func TestItIsASource(t *testing.T) {
	stepstest.SourceContract(t, datadog.Integration(), vendor(), sent(t, "triggered", 1), sent(t, "recovered", 1), sent(t, "warn", 1),
		sent(t, "nodata", 1), sent(t, "logs", 1), sent(t, "test", 0))
}

func parse(t *testing.T, body string) (incident.Alert, error) {
	t.Helper()
	return stepstest.ParseOne(t, stepstest.OpenSource(t, datadog.Integration(), vendor()), body)
}

func TestAnAlertAndItsRecoveryAreOneTrouble(t *testing.T) {
	stepstest.OneTrouble(t, stepstest.OpenSource(t, datadog.Integration(), vendor()), sent(t, "triggered", 1), sent(t, "recovered", 1))
}

func TestEveryTransitionIsKnown(t *testing.T) {
	body := string(sent(t, "triggered", 1).Request.Body)
	for _, transition := range []string{"Triggered", "Re-Triggered", "No Data", "Re-No Data", "Warn", "Re-Warn", "Renotify", "Recovered"} {
		a, err := parse(t, strings.Replace(body, `"Triggered"`, `"`+transition+`"`, 1))
		if err != nil || a.Recovered != (transition == "Recovered") {
			t.Errorf("%s: recovered %v, %v", transition, a.Recovered, err)
		}
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	body := string(sent(t, "triggered", 1).Request.Body)
	for what, test := range map[string]struct{ body, want string }{
		"Datadog's own payload": {`{"id":"1","title":"x","last_updated":"1"}`, "format: must be opsguard-datadog-1"},
		"no monitor":            {strings.Replace(body, `"148275309"`, `"$ALERT_ID"`, 1), "alertId: is empty"},
		"no transition":         {strings.Replace(body, `"Triggered"`, `"$ALERT_TRANSITION"`, 1), "transition: must be what $ALERT_TRANSITION"},
	} {
		if _, err := parse(t, test.body); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", what, err, test.want)
		}
	}
}

func TestASampleOfLogsIsReadAsATextAndAsAnObject(t *testing.T) {
	for _, sample := range []string{
		`"{\"rows\":[{\"items\":[\"03:12\"],\"message\":\"disk full\"}]}"`, `{"rows":[{"items":["03:12"],"message":"disk full"}]}`,
		`"03:12 disk full"`,
	} {
		a, err := parse(t, `{"format":"opsguard-datadog-1","alertId":"1","transition":"Triggered","title":"t","logs":`+sample+`}`)
		if err != nil || !strings.HasSuffix(a.ErrorLogs, "\n03:12 disk full") {
			t.Errorf("%s: %q, %v", sample, a.ErrorLogs, err)
		}
	}
}

func TestTheGuidesPayloadSendsWhatIsRead(t *testing.T) {
	guide, err := os.ReadFile("guide.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sent(t, "triggered", 1).Request.Body)) {
		name, _, found := strings.Cut(strings.TrimSpace(line), `: `)
		if found && !strings.Contains(string(guide), name+": ") {
			t.Errorf("the payload of guide.md has no %s", name)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &datadog.Source{}) }
