package honeybadger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/honeybadger"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "hb-token-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("token", "HB")}, stepstest.Secrets{"HB": "hb-former-0123456789 " + token}
	}}
}

// The fixtures follow "Webhook payloads (v2)" in Honeybadger's documentation, read in
// November 2026.
func TestItIsASource(t *testing.T) {
	sent := func(name string, alerts int) stepstest.Sent {
		return stepstest.SentBy(t, "Bearer "+token, name, alerts)
	}
	stepstest.SourceContract(t, honeybadger.Integration(), vendor(), sent("occurred", 1), sent("resolved", 1), sent("down", 1), sent("up", 1),
		sent("check-in-missing", 1), sent("commented", 0))
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, honeybadger.Integration(), vendor(), "honeybadger")
}

func parse(t *testing.T, body string) (steps.Batch, error) {
	t.Helper()
	return stepstest.OpenSource(t, honeybadger.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: []byte(body)})
}

func TestEachEventIsAnAlertARecoveryOrNothing(t *testing.T) {
	got := map[string]string{}
	for _, event := range []string{"occurred", "rate_exceeded", "unresolved", "resolved", "down", "up", "cert_will_expire", "check_in_missing",
		"check_in_reporting", "assigned", "commented", "deployed", "of_next_year"} {
		batch, err := parse(t, `{"event":"`+event+`","message":"m","fault":{"id":1},"site":{"id":"s"},"check_in":{"id":"c"}}`)
		if err != nil {
			t.Errorf("%s: %v", event, err)
		}
		for _, a := range batch.Alerts {
			got[event] = fmt.Sprint(a.Identity, " recovered=", a.Recovered)
		}
	}
	want := map[string]string{
		"occurred": "fault/1 recovered=false", "rate_exceeded": "fault/1 recovered=false", "unresolved": "fault/1 recovered=false",
		"resolved": "fault/1 recovered=true", "down": "site/s recovered=false", "up": "site/s recovered=true",
		"cert_will_expire": "certificate/s recovered=false", "check_in_missing": "check_in/c recovered=false",
		"check_in_reporting": "check_in/c recovered=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeReadIsRefusedByName(t *testing.T) {
	for body, want := range map[string]string{
		`{"event":"up","payload_version":"v3"}`: "payload_version: is not read; choose v2 as the payload version of the webhook in Honeybadger",
		`{"event":"alarm_alert"}`:               "event: alarm_alert is not read; turn it off for this webhook in Honeybadger",
		`{"event":"occurred"}`:                  "fault.id: is missing; an alert is told apart by it",
		`{"message":"no kind of event"}`:        "event: is missing",
	} {
		if _, err := parse(t, body); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestNoKeyOfTheProjectIsShown(t *testing.T) {
	for _, name := range []string{"occurred", "down", "check-in-missing"} {
		batch, err := parse(t, string(stepstest.Fixture(t, name+".json")))
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%+v", batch); strings.Contains(text, "not-to-be-shown") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &honeybadger.Source{}) }
