package securityhub_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/source/securityhub"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "hub-token-0123456789"

func vendor(played *stepstest.SNS) stepstest.Vendor { return played.Vendor(token) }

// The fixtures follow "AWS Security Finding Format (ASFF)" and "EventBridge event formats"
// in the user guide of Security Hub, read in November 2026.
func TestItIsASource(t *testing.T) {
	played := stepstest.NewSNS(t)
	var all []stepstest.Sent
	for name, alerts := range map[string]int{
		"control-failed": 1, "control-passed": 1, "custom-action": 1, "list": 2, "findings": 1, "one": 1, "insight": 0,
	} {
		all = append(all, stepstest.Sent{Name: name, Alerts: alerts, Proof: stepstest.ProofByToken, Request: steps.Request{
			Header: http.Header{"X-Api-Key": {token}, "Content-Type": {"application/json"}}, Body: stepstest.Fixture(t, name+".json"),
		}})
		if name == "list" {
			all[len(all)-1].Refused = 2
		}
	}
	topic := played.Sent(t, "topic", string(stepstest.Fixture(t, "control-failed.json")))
	topic.Alerts = 1
	stepstest.SourceContract(t, securityhub.Integration(), vendor(played), append(all, topic)...)
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, securityhub.Integration(), vendor(stepstest.NewSNS(t)), "securityhub")
}

func parse(t *testing.T, body string) (steps.Batch, error) {
	t.Helper()
	return (&securityhub.Source{}).Parse(t.Context(), steps.Request{Body: []byte(body)})
}

func TestWhatEndsAFindingRecovers(t *testing.T) {
	text, identities := string(stepstest.Fixture(t, "control-failed.json")), map[string]bool{}
	for change, recovered := range map[[2]string]bool{
		{"ACTIVE", "ACTIVE"}: false, {"ACTIVE", "ARCHIVED"}: true, {`"FAILED"`, `"PASSED"`}: true, {`"FAILED"`, `"WARNING"`}: false,
		{`"FAILED"`, `"NOT_AVAILABLE"`}:             false,
		{`"Status": "NEW"`, `"Status": "RESOLVED"`}: true, {`"Status": "NEW"`, `"Status": "SUPPRESSED"`}: true,
		{`"Status": "NEW"`, `"Status": "NOTIFIED"`}: false,
	} {
		batch, err := parse(t, strings.Replace(text, change[0], change[1], 1))
		if err != nil || len(batch.Alerts) != 1 || batch.Alerts[0].Recovered != recovered {
			t.Fatalf("%v: %+v, %v", change, batch, err)
		}
		identities[batch.Alerts[0].Identity] = true
	}
	if len(identities) != 1 {
		t.Errorf("one finding has the identities %v", identities)
	}
}

func TestTheSeverityIsTheLabelOrTheNumberBeforeLabels(t *testing.T) {
	text := string(stepstest.Fixture(t, "findings.json"))
	for severity, want := range map[string]incident.Severity{
		`"Normalized": 0`: incident.Low, `"Normalized": 39`: incident.Low, `"Normalized": 40`: incident.Medium,
		`"Normalized": 70`: incident.High, `"Normalized": 90`: incident.Critical,
		`"Normalized": 0, "Label": "CRITICAL"`: incident.Critical, `"Normalized": 95, "Label": "INFORMATIONAL"`: incident.Low,
		`"Product": 1`: incident.Medium,
	} {
		batch, err := parse(t, strings.Replace(strings.Replace(text, `"Product": 9.0,`, "", 1), `"Normalized": 95`, severity, 1))
		if err != nil || batch.Alerts[0].Severity != want {
			t.Errorf("%s: %+v, %v; want %s", severity, batch.Alerts, err, want)
		}
	}
}

func TestWhatIsNotAFindingIsRefusedByName(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:             "SchemaVersion: is missing; this is no finding in the AWS Security Finding Format",
		`{"Findings":7}`: "Findings: must be an array, not a number",
		`{"detail-type":"Security Hub Findings - Imported"` +
			`,"source":"aws.macie"}`: "source: must be aws.securityhub; each service of AWS has a source of its own",
		`{"detail-type":"Security Hub Findings - Imported","source":"aws.securityhub","detail":{}}`: "detail.findings: is missing",
		`{"detail-type":"Findings Imported V2"` +
			`,"source":"aws.securityhub","detail":{"findings":[]}}`: "detail-type: is not read; route Security Hub Findings - Imported here",
	} {
		batch, err := parse(t, body)
		if len(batch.Alerts) > 0 || err == nil || err.Error() != want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	for body, want := range map[string]string{
		`[{"SchemaVersion":"2018-10-07"}]`: "[0].SchemaVersion: is not known; findings of the version 2018-10-08 are read",
		`[{"SchemaVersion":"2018-10-08"}]`: "[0].Id: is missing",
		`{"SchemaVersion":"2018-10-08"}`:   "Id: is missing",
	} {
		batch, err := parse(t, body)
		if err != nil || len(batch.Alerts) > 0 || len(batch.Refused) != 1 || batch.Refused[0].Error() != want {
			t.Errorf("%s: %+v, %v; want one refused: %s", body, batch, err, want)
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &securityhub.Source{}) }
