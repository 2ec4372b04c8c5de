package opsgenie_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/opsgenie"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "og-token-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{
			integration.SecretSetting("token", "OG"), {Name: "url", Value: integration.Value{Text: "https://acme.app.opsgenie.com/"}},
		}, stepstest.Secrets{"OG": "og-former-0123456789 " + token}
	}}
}

// The fixtures follow "Alert Action Data" in Opsgenie's documentation, read in November
// 2026.
func TestItIsASource(t *testing.T) {
	sent := func(name string, alerts int) stepstest.Sent {
		return stepstest.SentBy(t, "Bearer "+token, name, alerts)
	}
	stepstest.SourceContract(t, opsgenie.Integration(), vendor(), sent("create", 1), sent("close", 1), sent("acknowledge", 0))
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, opsgenie.Integration(), vendor(), "opsgenie")
}

func parse(t *testing.T, v stepstest.Vendor, body string) (steps.Batch, error) {
	t.Helper()
	return stepstest.OpenSource(t, opsgenie.Integration(), v).Parse(t.Context(), steps.Request{Body: []byte(body)})
}

func TestOnlyTheBeginningAndTheEndOfAnAlertCount(t *testing.T) {
	got := map[string]string{}
	for _, action := range []string{"Create", "Close", "Delete", "Acknowledge", "UnAcknowledge", "AddNote", "AddTags", "RemoveTags", "AddTeam",
		"AssignOwnership", "TakeOwnership", "Escalate", "Snooze", "UpdatePriority", "close", "A custom action"} {
		batch, err := parse(t, vendor(), `{"action":"`+action+`","alert":{"alertId":"1","message":"m"}}`)
		switch {
		case err != nil:
			t.Errorf("%s: %v", action, err)
		case len(batch.Alerts) == 0:
			got[action] = ""
		case batch.Alerts[0].Recovered:
			got[action] = "recovered"
		default:
			got[action] = "firing"
		}
	}
	want := map[string]string{
		"Create": "firing", "Close": "recovered", "Delete": "recovered", "Acknowledge": "", "UnAcknowledge": "", "AddNote": "", "AddTags": "",
		"RemoveTags": "", "AddTeam": "", "AssignOwnership": "", "TakeOwnership": "", "Escalate": "", "Snooze": "", "UpdatePriority": "",
		"close": "", "A custom action": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheServiceIsTheBestNameThatTheAlertHas(t *testing.T) {
	for alert, want := range map[string]string{
		`"entity":"web-1","details":{"service":"orders"}`: "orders",
		`"entity":"web-1","tags":["service:carts"]`:       "carts",
		`"entity":"web-1","details":{"host":"h"}`:         "web-1",
		`"entity":" ","tags":["plain","host=h-7"]`:        "h-7",
		`"entity":""`: "Integration1",
	} {
		batch, err := parse(t, vendor(), `{"action":"Create","integrationName":"Integration1","alert":{"alertId":"1","message":"m",`+alert+`}}`)
		if err != nil {
			t.Fatal(err)
		}
		if got := batch.Alerts[0].Service; got != want {
			t.Errorf("%s: %q, want %q", alert, got, want)
		}
	}
}

func TestAnAlertLinksToOpsgenieOrToTheToolBehindIt(t *testing.T) {
	without := stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("token", "OG")}, stepstest.Secrets{"OG": token}
	}}
	body := `{"action":"Create","alert":{"alertId":"a/../b?c","message":"m","details":{"url":"https://grafana.example.com/d/1"}}}`
	for want, v := range map[string]stepstest.Vendor{
		"https://acme.app.opsgenie.com/alert/detail/a%2F..%2Fb%3Fc/details": vendor(),
		"https://grafana.example.com/d/1":                                   without,
	} {
		batch, err := parse(t, v, body)
		if err != nil {
			t.Fatal(err)
		}
		if got := batch.Alerts[0].Link; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAnAddressThatIsNoneIsRefusedByName(t *testing.T) {
	for _, address := range []string{
		"acme.app.opsgenie.com", "http://acme.app.opsgenie.com", "https://user:password@acme.app.opsgenie.com", "javascript:x",
	} {
		err := opsgenie.Settings{URL: address}.Validate()
		if want := "url: must be an address like https://acme.app.opsgenie.com"; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}

func TestAnotherDocumentIsRefusedByName(t *testing.T) {
	for body, want := range map[string]string{
		`{"action":"Create"}`:                               "alert: is missing; this is not what Opsgenie's Webhook integration posts",
		`{"alert":{"alertId":"1"}}`:                         "action: is missing",
		`{"action":"Create","alert":{"message":"no id"}}`:   "alert.alertId: is missing",
		`{"action":"Close","alert":{"alertId":{"id":"1"}}}`: "alert.alertId: must be a string, not an object",
	} {
		if _, err := parse(t, vendor(), body); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &opsgenie.Source{}) }
