package elastic_test

import (
	"os"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/elastic"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const password = "elastic-password-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "ELASTIC")},
			stepstest.Secrets{"ELASTIC": "opsguard:" + password + " opsguard:elastic-former-0123456789"}
	}}
}

func sent(t *testing.T, name string) stepstest.Sent {
	t.Helper()
	return stepstest.SentBy(t, stepstest.Basic("opsguard", password), name, 1)
}

// The fixtures are what the guide's bodies send, with the variables as "Rule action
// variables" and "Webhook action" in Elastic's documentation describe them, read in
// November 2026.
func TestItIsASource(t *testing.T) {
	var all []stepstest.Sent
	for _, name := range []string{"query", "query-recovered", "apm", "infra", "watch", "watch-resolved", "watch-other"} {
		all = append(all, sent(t, name))
	}
	stepstest.SourceContract(t, elastic.Integration(), vendor(), all...)
}

func parse(t *testing.T, body string) (incident.Alert, error) {
	t.Helper()
	return stepstest.ParseOne(t, stepstest.OpenSource(t, elastic.Integration(), vendor()), body)
}

func TestTroubleAndItsEndAreOne(t *testing.T) {
	for begin, end := range map[string]string{"query": "query-recovered", "watch": "watch-resolved"} {
		stepstest.OneTrouble(t, stepstest.OpenSource(t, elastic.Integration(), vendor()), sent(t, begin), sent(t, end))
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{"format":"other"}`: "format: must be opsguard-kibana-1 or opsguard-watcher-1",
		`{"format":"opsguard-kibana-1","ruleId":"r","alertId":"","actionGroup":"x"}`:                 "alertId: is empty; set the action",
		`{"format":"opsguard-kibana-1","ruleId":"r","alertId":"a","actionGroup":"x","date":"today"}`: "date: must be a time",
		`{"format":"opsguard-watcher-1","watchId":"w","state":"on"}`:                                 "state: must be firing or resolved",
	} {
		if _, err := parse(t, body); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestAContextThatIsNoJSONCostsOnlyItself(t *testing.T) {
	a, err := parse(t, `{"format":"opsguard-kibana-1","ruleId":"r","ruleName":"n","alertId":"a","actionGroup":"x","context":"{cut"}`)
	if err != nil || a.Service != "n" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestTheGuidesBodiesSendWhatIsRead(t *testing.T) {
	guide, err := os.ReadFile("guide.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(guide), `\"`, `"`)
	for _, name := range []string{"query", "watch"} {
		for line := range strings.Lines(string(sent(t, name).Request.Body)) {
			field, found := strings.CutPrefix(line, `  "`)
			if field, _, _ = strings.Cut(field, `"`); found && !strings.Contains(text, `"`+field+`": `) {
				t.Errorf("no body of guide.md sends %s", field)
			}
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &elastic.Source{}) }
