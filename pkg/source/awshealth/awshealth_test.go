package awshealth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/source/awshealth"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "health-token-0123456789"

func vendor(played *stepstest.SNS) stepstest.Vendor { return played.Vendor(token) }

// The fixtures follow "AWS Health events Amazon EventBridge schema" in the user guide of
// AWS Health, read in November 2026; two of them its form before statusCode was sent.
func TestItIsASource(t *testing.T) {
	played := stepstest.NewSNS(t)
	var all []stepstest.Sent
	for _, name := range []string{"issue-public", "issue-closed", "issue-of-an-instance", "planned-change", "abuse", "issue-before-statuses"} {
		all = append(all, stepstest.Sent{Name: name, Alerts: 1, Proof: stepstest.ProofByToken, Request: steps.Request{
			Header: http.Header{"X-Api-Key": {token}, "Content-Type": {"application/json"}}, Body: stepstest.Fixture(t, name+".json"),
		}})
	}
	topic := played.Sent(t, "topic", string(stepstest.Fixture(t, "issue-public.json")))
	topic.Alerts = 1
	stepstest.SourceContract(t, awshealth.Integration(), vendor(played), append(all, topic)...)
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, awshealth.Integration(), vendor(stepstest.NewSNS(t)), "sns-envelope")
}

func parse(t *testing.T, body string) (steps.Batch, error) {
	t.Helper()
	return (&awshealth.Source{}).Parse(t.Context(), steps.Request{Body: []byte(body)})
}

func TestAnEventThatIsClosedRecovers(t *testing.T) {
	open, err := parse(t, string(stepstest.Fixture(t, "issue-public.json")))
	if err != nil {
		t.Fatal(err)
	}
	closed, err := parse(t, string(stepstest.Fixture(t, "issue-closed.json")))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := open.Alerts[0], closed.Alerts[0]; a.Recovered || !b.Recovered || a.Identity != b.Identity {
		t.Errorf("open %v, closed %v; %q and %q", a.Recovered, b.Recovered, a.Identity, b.Identity)
	}
}

func TestBeforeStatusesTheEndTells(t *testing.T) {
	text := string(stepstest.Fixture(t, "issue-before-statuses.json"))
	for ends, want := range map[string]bool{
		"Tue, 24 Nov 2026 05:30:57 GMT": true, "Tue, 24 Nov 2026 09:58:30 GMT": true, "Tue, 24 Nov 2026 09:58:31 GMT": false, "": false,
		"soon": false,
	} {
		batch, err := parse(t, strings.Replace(text, "Tue, 24 Nov 2026 05:30:57 GMT", ends, 1))
		if err != nil || batch.Alerts[0].Recovered != want {
			t.Errorf("%q: %+v, %v; want %v", ends, batch.Alerts, err, want)
		}
	}
}

func TestWhatIsOnlyAnnouncedIsLow(t *testing.T) {
	text := string(stepstest.Fixture(t, "planned-change.json"))
	for change, want := range map[string]incident.Severity{
		`"scheduledChange"`: incident.Medium, `"issue"`: incident.High, `"investigation"`: incident.Medium,
	} {
		batch, err := parse(t, strings.Replace(text, `"scheduledChange"`, change, 1))
		if err != nil || batch.Alerts[0].Severity != want {
			t.Errorf("%s: %+v, %v; want %s", change, batch.Alerts, err, want)
		}
	}
	batch, err := parse(t, strings.Replace(text, "ACTION_REQUIRED", "INFORMATIONAL", 1))
	if err != nil || batch.Alerts[0].Severity != incident.Low {
		t.Errorf("without an action: %+v, %v", batch.Alerts, err)
	}
}

func TestTheSameEventInAnotherAccountIsAnotherTrouble(t *testing.T) {
	text := string(stepstest.Fixture(t, "issue-public.json"))
	one, err := parse(t, text)
	if err != nil {
		t.Fatal(err)
	}
	other, err := parse(t, strings.Replace(text, `"affectedAccount": "111122223333"`, `"affectedAccount": "444455556666"`, 1))
	if err != nil || one.Alerts[0].Identity == other.Alerts[0].Identity {
		t.Errorf("%v, %v, %v", one.Alerts, other.Alerts, err)
	}
}

func TestWhatIsNotAnEventOfHealthIsRefusedByName(t *testing.T) {
	for body, want := range map[string]string{
		`{}`: "detail-type: is missing; this is not an event of EventBridge",
		`{"detail-type":"AWS Health Event"` +
			`,"source":"aws.ec2"}`: "source: must be aws.health; each service of AWS has a source of its own",
		`{"detail-type":"Other"` +
			`,"source":"aws.health"}`: "detail-type: must be AWS Health Event or AWS Health Abuse Event",
		`{"detail-type":"AWS Health Event","source":"aws.health","detail":{}}`:              "detail.eventArn: is missing",
		`{"detail-type":"AWS Health Event","source":"aws.health","detail":{"eventArn":""}}`: "detail.service: is missing",
	} {
		batch, err := parse(t, body)
		if len(batch.Alerts) > 0 || err == nil || err.Error() != want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &awshealth.Source{}) }
