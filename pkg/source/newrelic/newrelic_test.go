package newrelic_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/newrelic"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "newrelic-token-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "NEWRELIC")},
			stepstest.Secrets{"NEWRELIC": token + " newrelic-former-0123456789"}
	}}
}

func sent(t *testing.T, name string, alerts int) stepstest.Sent {
	t.Helper()
	return stepstest.SentBy(t, "Bearer "+token, name, alerts)
}

// The fixtures follow "Notification integrations" and "Workflow variables" in New Relic's
// documentation, the default template as New Relic's own repositories show it, and the
// document of classic channels in the template for xMatters there; read in November 2026.
func TestItIsASource(t *testing.T) {
	stepstest.SourceContract(t, newrelic.Integration(), vendor(), sent(t, "activated", 1), sent(t, "guide", 1), sent(t, "closed", 1),
		sent(t, "acknowledged", 0), sent(t, "classic", 1), sent(t, "classic-closed", 1), sent(t, "classic-test", 0))
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, newrelic.Integration(), vendor(), "newrelic")
}

func parse(t *testing.T, body string) (steps.Batch, error) {
	t.Helper()
	return stepstest.OpenSource(t, newrelic.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: []byte(body)})
}

func TestTroubleAndItsEndAreOne(t *testing.T) {
	for begin, end := range map[string]string{"activated": "closed", "classic": "classic-closed"} {
		stepstest.OneTrouble(t, stepstest.OpenSource(t, newrelic.Integration(), vendor()), sent(t, begin, 1), sent(t, end, 1))
	}
}

func TestEveryStateIsKnown(t *testing.T) {
	for state, want := range map[string]string{
		"CREATED": "firing", "ACTIVATED": "firing", "activated": "firing", "CLOSED": "over", "ACKNOWLEDGED": "no news",
		"INVESTIGATING": "no news",
	} {
		batch, err := parse(t, `{"id":"i","title":"t","state":"`+state+`"}`)
		got := "no news"
		for _, a := range batch.Alerts {
			if got = "firing"; a.Recovered {
				got = "over"
			}
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", state, got, err, want)
		}
	}
}

func TestAUserWhoClosesAnIssueEndsIt(t *testing.T) {
	batch, err := parse(t, `{"id":"i","title":"t","state":"CLOSED","trigger":"USER_ACTION"}`)
	if err != nil || len(batch.Alerts) != 1 || !batch.Alerts[0].Recovered {
		t.Errorf("%+v, %v", batch, err)
	}
}

func TestTheEndOfOneIncidentOfAnOpenIssueIsNoNews(t *testing.T) {
	batch, err := parse(t, `{"id":"i","title":"t","state":"ACTIVATED","trigger":"INCIDENT_CLOSED"}`)
	if err != nil || len(batch.Alerts) != 0 {
		t.Errorf("%+v, %v", batch, err)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                          "id: is missing, and so is incident_id",
		`{"id":"i"}`:                  "state: is missing",
		`{"id":"i","state":"x"}`:      "state: is not known",
		`{"incident_id":7}`:           "current_state: is missing",
		`{"id":{},"state":"CREATED"}`: "id: is empty",
	} {
		if _, err := parse(t, body); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestATimeOutsideOfOursCostsOnlyItself(t *testing.T) {
	batch, err := parse(t, `{"incident_id":1,"current_state":"open","condition_name":"c","timestamp":1605133931151000000000000}`)
	if err != nil || len(batch.Alerts) != 1 || !batch.Alerts[0].Timestamp.IsZero() {
		t.Errorf("%+v, %v", batch, err)
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &newrelic.Source{}) }
