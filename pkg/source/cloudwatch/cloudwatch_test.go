package cloudwatch_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/source/cloudwatch"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "eb-token-0123456789"

func vendor(played *stepstest.SNS) stepstest.Vendor {
	return played.Vendor("eb-former-0123456789 " + token)
}

// sent is the fixture of that name as it comes: what begins with topic in an envelope of
// SNS, the rest with a token.
func sent(t *testing.T, played *stepstest.SNS, name string, alerts int) stepstest.Sent {
	t.Helper()
	body := stepstest.Fixture(t, name+".json")
	if strings.HasPrefix(name, "topic-") {
		s := played.Sent(t, name, string(body))
		s.Alerts = alerts
		return s
	}
	return stepstest.Sent{Name: name, Alerts: alerts, Proof: stepstest.ProofByToken, Request: steps.Request{
		Header: http.Header{"X-Api-Key": {token}, "Content-Type": {"application/json; charset=utf-8"}}, Body: body,
	}}
}

// The fixtures follow "Notifying users on alarm changes", "Alarm events and EventBridge",
// "Log alarms" and "Invoke a Lambda function from an alarm" in the user guide of
// CloudWatch, read in November 2026.
func TestItIsASource(t *testing.T) {
	played := stepstest.NewSNS(t)
	var all []stepstest.Sent
	for name, alerts := range map[string]int{
		"topic-firing": 1, "topic-recovered": 1, "topic-no-data": 1, "topic-math": 1, "topic-composite": 1, "topic-log-alarm": 1,
		"event-firing": 1, "event-recovered": 1, "event-muted": 1, "event-composite": 1, "event-insights-partial": 1, "event-contributor": 1,
		"event-no-data": 0, "event-edited": 0, "action-firing": 1,
	} {
		all = append(all, sent(t, played, name, alerts))
	}
	stepstest.SourceContract(t, cloudwatch.Integration(), vendor(played), all...)
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, cloudwatch.Integration(), vendor(stepstest.NewSNS(t)),
		"cloudwatch-sns", "sns-envelope", "cloudwatch-eventbridge", "cloudwatch-lambda-action")
}

func parse(t *testing.T, body []byte) (steps.Batch, error) {
	t.Helper()
	return (&cloudwatch.Source{}).Parse(t.Context(), steps.Request{Body: body})
}

func TestARecoveryFindsItsAlarmHoweverEachCame(t *testing.T) {
	for _, pair := range [][2]string{
		{"topic-firing", "topic-recovered"}, {"event-firing", "event-recovered"}, {"action-firing", "event-recovered"},
	} {
		var identities [2]string
		for i, name := range pair {
			batch, err := parse(t, stepstest.Fixture(t, name+".json"))
			if err != nil || len(batch.Alerts) != 1 || batch.Alerts[0].Recovered != (i == 1) {
				t.Fatalf("%s: %+v, %v", name, batch, err)
			}
			identities[i] = batch.Alerts[0].Identity
		}
		if identities[0] != identities[1] {
			t.Errorf("%v: %q and %q", pair, identities[0], identities[1])
		}
	}
}

func TestEachSeriesOfAnAlarmIsATroubleOfItsOwn(t *testing.T) {
	of, err := parse(t, stepstest.Fixture(t, "event-contributor.json"))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := parse(t, stepstest.Fixture(t, "event-insights-partial.json"))
	if err != nil {
		t.Fatal(err)
	}
	if of.Alerts[0].Identity == whole.Alerts[0].Identity || of.Alerts[0].Service != "orders" {
		t.Errorf("the series %q of %q, the alarm %q", of.Alerts[0].Identity, of.Alerts[0].Service, whole.Alerts[0].Identity)
	}
}

func TestTheSeverityIsWhatTheDescriptionSays(t *testing.T) {
	for description, want := range map[string]incident.Severity{
		"Checkout fails": incident.High, "severity=critical": incident.Critical, "Checkout fails (severity: P3)": incident.Medium,
		`{"severity": "low"}`: incident.Low, "Severity matters": incident.High, "severity": incident.High,
	} {
		body := strings.Replace(string(stepstest.Fixture(t, "event-firing.json")), "shop-api runs out of memory", strings.ReplaceAll(description, `"`, `\"`), 1)
		batch, err := parse(t, []byte(body))
		if err != nil || batch.Alerts[0].Severity != want {
			t.Errorf("%s: %v, %v; want %s", description, batch.Alerts, err, want)
		}
	}
}

func TestWhatIsNotAnAlarmsIsRefusedByName(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:   "AlarmName: is missing; this is not what CloudWatch sends",
		`null`: "AlarmName: is missing; this is not what CloudWatch sends",
		`{"AlarmName":"x","NewStateValue":"BROKEN"}`: "NewStateValue: must be OK, ALARM or INSUFFICIENT_DATA",
		`{"AlarmName":"","NewStateValue":"OK"}`:      "AlarmName: is missing; an alarm is known by its name",
		`{"detail-type":"AWS Health Event"` +
			`,"source":"aws.health"}`: "source: must be aws.cloudwatch; each service of AWS has a source of its own",
		`{"detail-type":"CloudWatch X"` +
			`,"source":"aws.cloudwatch"}`: "detail-type: is not read; route CloudWatch Alarm State Change here",
		`{"alarmData":{"alarmName":"x","state":{"value":"OK"}}}`:           "source: must be aws.cloudwatch",
		`{"source":"aws.cloudwatch","alarmData":{"state":{"value":"OK"}}}`: "alarmData.alarmName: is missing",
	} {
		batch, err := parse(t, []byte(body))
		if len(batch.Alerts) > 0 || err == nil || err.Error() != want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &cloudwatch.Source{}) }
