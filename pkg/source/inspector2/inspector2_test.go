package inspector2_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/source/inspector2"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "inspector-token-0123456789"

func vendor(played *stepstest.SNS) stepstest.Vendor { return played.Vendor(token) }

// The fixtures follow "Amazon EventBridge event schema for Amazon Inspector events" in the
// user guide of Inspector and "ListFindings" in its API reference, read in November 2026.
func TestItIsASource(t *testing.T) {
	played := stepstest.NewSNS(t)
	var all []stepstest.Sent
	for name, alerts := range map[string]int{"image": 1, "closed": 1, "network": 1, "code": 1, "scan": 0, "list": 2} {
		all = append(all, stepstest.Sent{Name: name, Alerts: alerts, Proof: stepstest.ProofByToken, Request: steps.Request{
			Header: http.Header{"X-Api-Key": {token}, "Content-Type": {"application/json"}}, Body: stepstest.Fixture(t, name+".json"),
		}})
		if name == "list" {
			all[len(all)-1].Refused = 1
		}
	}
	topic := played.Sent(t, "topic", string(stepstest.Fixture(t, "image.json")))
	topic.Alerts = 1
	stepstest.SourceContract(t, inspector2.Integration(), vendor(played), append(all, topic)...)
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, inspector2.Integration(), vendor(stepstest.NewSNS(t)), "inspector2")
}

func parse(t *testing.T, body string) (steps.Batch, error) {
	t.Helper()
	return (&inspector2.Source{}).Parse(t.Context(), steps.Request{Body: []byte(body)})
}

func TestAFindingThatIsClosedOrSuppressedRecovers(t *testing.T) {
	text, identities := string(stepstest.Fixture(t, "image.json")), map[string]bool{}
	for status, recovered := range map[string]bool{"ACTIVE": false, "CLOSED": true, "SUPPRESSED": true} {
		batch, err := parse(t, strings.Replace(text, "ACTIVE", status, 1))
		if err != nil || len(batch.Alerts) != 1 || batch.Alerts[0].Recovered != recovered {
			t.Fatalf("%s: %+v, %v", status, batch, err)
		}
		identities[batch.Alerts[0].Identity] = true
	}
	if len(identities) != 1 {
		t.Errorf("one finding has the identities %v", identities)
	}
}

func TestSeveritiesAreInspectors(t *testing.T) {
	text := string(stepstest.Fixture(t, "image.json"))
	for word, want := range map[string]incident.Severity{
		"CRITICAL": incident.Critical, "HIGH": incident.High, "MEDIUM": incident.Medium, "LOW": incident.Low, "INFORMATIONAL": incident.Low,
		"UNTRIAGED": incident.Medium,
	} {
		batch, err := parse(t, strings.Replace(text, `"severity": "HIGH"`, `"severity": "`+word+`"`, 1))
		if err != nil || batch.Alerts[0].Severity != want {
			t.Errorf("%s: %+v, %v; want %s", word, batch.Alerts, err, want)
		}
	}
}

func TestWhatIsNotAFindingIsRefusedByName(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:             "detail-type: is missing; this is neither an event of EventBridge nor a list of findings",
		`{"findings":7}`: "findings: must be an array, not a number",
		`{"detail-type":"Inspector2 Finding"` +
			`,"source":"aws.inspector"}`: "source: must be aws.inspector2; each service of AWS has a source of its own",
	} {
		batch, err := parse(t, body)
		if len(batch.Alerts) > 0 || err == nil || err.Error() != want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	for body, want := range map[string]string{
		`{"findings":[{"findingArn":"a"}]}`: "findings[0].status: is missing",
		`{"findings":[{"findingArn":"a"` +
			`,"status":"OPEN"}]}`: "findings[0].status: must be ACTIVE, CLOSED or SUPPRESSED",
		`{"detail-type":"Inspector2 Finding","source":"aws.inspector2","detail":{"status":"ACTIVE"}}`: "detail.findingArn: is missing",
	} {
		batch, err := parse(t, body)
		if err != nil || len(batch.Alerts) > 0 || len(batch.Refused) != 1 || batch.Refused[0].Error() != want {
			t.Errorf("%s: %+v, %v; want one refused: %s", body, batch, err, want)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &inspector2.Source{}) }
