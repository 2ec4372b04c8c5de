package zabbix_test

import (
	"os"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/zabbix"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "zabbix-token-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "ZABBIX")},
			stepstest.Secrets{"ZABBIX": "zabbix-former-0123456789 " + token}
	}}
}

func sent(t *testing.T, name string, alerts int) stepstest.Sent {
	t.Helper()
	return stepstest.SentBy(t, "Bearer "+token, name, alerts)
}

// The fixtures are what the guide's media type posts, with the macros as "Supported macros"
// in the documentation of Zabbix 6.0 and the media types that come with Zabbix use them, read
// in November 2026.
func TestItIsASource(t *testing.T) {
	stepstest.SourceContract(t, zabbix.Integration(), vendor(), sent(t, "problem", 1), sent(t, "recovered", 1), sent(t, "internal", 1),
		sent(t, "service", 1), sent(t, "acknowledged", 0), sent(t, "discovery", 0))
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, zabbix.Integration(), vendor(), "zabbix")
}

func parse(t *testing.T, body string) (incident.Alert, error) {
	t.Helper()
	return stepstest.ParseOne(t, stepstest.OpenSource(t, zabbix.Integration(), vendor()), body)
}

func TestAProblemAndItsRecoveryAreOneTrouble(t *testing.T) {
	stepstest.OneTrouble(t, stepstest.OpenSource(t, zabbix.Integration(), vendor()), sent(t, "problem", 1), sent(t, "recovered", 1))
}

func TestZabbixSixSeverities(t *testing.T) {
	body := string(sent(t, "problem", 1).Request.Body)
	for n, want := range map[string]incident.Severity{
		"5": incident.Critical, "4": incident.High, "3": incident.Medium, "2": incident.Medium, "1": incident.Low, "0": incident.High,
	} {
		if a, err := parse(t, strings.Replace(body, `"severity": "4"`, `"severity": "`+n+`"`, 1)); err != nil || a.Severity != want {
			t.Errorf("%s: %s, %v; want %s", n, a.Severity, err, want)
		}
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{"status":"PROBLEM","trigger":"x"}`:                                                  "format: must be opsguard-zabbix-1",
		`{"format":"opsguard-zabbix-1","eventId":"{EVENT.ID}","eventValue":"1","name":"x"}`:   "eventId: must be the number",
		`{"format":"opsguard-zabbix-1","eventId":"7","eventValue":"PROBLEM","name":"x"}`:      "eventValue: must be 1",
		`{"format":"opsguard-zabbix-1","eventId":"7","eventValue":"1","name":"{EVENT.NAME}"}`: "name: is empty",
	} {
		if _, err := parse(t, body); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestMacrosThatZabbixLeftAreNotShown(t *testing.T) {
	a, err := parse(t, string(sent(t, "service", 1).Request.Body))
	if err != nil || strings.Contains(a.ErrorLogs, "{") || a.Service != "Shop" {
		t.Errorf("%v: %s: %s", err, a.Service, a.ErrorLogs)
	}
}

func TestANameThatOnlyEndsLikeAMacroIsKept(t *testing.T) {
	a, err := parse(t, `{"format":"opsguard-zabbix-1","eventId":"7","eventValue":"1","name":"DISK}"}`)
	if err != nil || a.Service != "DISK}" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestTheGuidesMediaTypeSendsWhatIsRead(t *testing.T) {
	guide, err := os.ReadFile("guide.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sent(t, "problem", 1).Request.Body)) {
		if name, _, found := strings.Cut(strings.TrimSpace(line), `": `); found {
			if name = strings.TrimPrefix(name, `"`); !strings.Contains(string(guide), "{name: "+name+", value: ") {
				t.Errorf("the media type of guide.md has no parameter %s", name)
			}
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &zabbix.Source{}) }
