package generic_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/source/generic"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "generic-token-0123456789"

// entry reads the settings of an entry, as services.yaml would.
func entry(t *testing.T, services, name string) []integration.Setting {
	t.Helper()
	types := integration.Types{integration.Sources: integration.TypesOf([]integration.Descriptor[steps.Source]{generic.Integration()})}
	inv, err := inventory.Load([]byte(services+"\nservices: {}\n"), types)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range inv.Entries(integration.Sources) {
		if e.Name == name {
			return e.Settings
		}
	}
	t.Fatalf("there is no entry %s", name)
	return nil
}

// ofTheGuide is the mapping that guide.md shows for a sender.
func ofTheGuide(t *testing.T, name string) string {
	t.Helper()
	guide, err := os.ReadFile("guide.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(guide), "\n    sources:\n      "+name+":\n")
	if !found {
		t.Fatalf("the guide shows no mapping for %s", name)
	}
	mapping := "sources:\n  " + name + ":\n"
	for line := range strings.Lines(rest) {
		inside, indented := strings.CutPrefix(line, "    ")
		if !indented {
			break
		}
		mapping += inside
	}
	return mapping
}

func vendor(t *testing.T, services, name string) stepstest.Vendor {
	settings := entry(t, services, name)
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return settings, stepstest.Secrets{strings.ToUpper(name): "former-0123456789 " + token}
	}}
}

func sent(t *testing.T, file string) steps.Request {
	t.Helper()
	return stepstest.Authorized("Bearer "+token, stepstest.Fixture(t, file+".json"))
}

// The fixtures are what the scripts and the template in guide.md make of the macros that
// the documents of Icinga 2 ("Monitoring Basics", runtime macros), Nagios Core ("Standard
// Macros") and Checkmk ("Notifications", its environment variables) name, and of the
// variables of Healthchecks' webhook integration and its Management API; read in November
// 2026.
func TestTheMappingsOfTheGuideReadTheirSenders(t *testing.T) {
	for name, files := range map[string]map[string]int{
		"icinga":       {"icinga-service": 1, "icinga-recovery": 1, "nagios-host": 1, "icinga-acknowledgement": 0},
		"healthchecks": {"healthchecks-down": 1, "healthchecks-up": 1},
		"checkmk":      {"checkmk-service": 1, "checkmk-recovery": 1, "checkmk-host": 1},
	} {
		var all []stepstest.Sent
		for file, alerts := range files {
			all = append(all, stepstest.Sent{Name: file, Alerts: alerts, Proof: stepstest.ProofByToken, Request: sent(t, file)})
		}
		stepstest.SourceContract(t, generic.Integration(), vendor(t, ofTheGuide(t, name), name), all...)
	}
}

func TestARecoveryHasTheIdentityOfItsTrouble(t *testing.T) {
	for name, files := range map[string][2]string{
		"icinga": {"icinga-service", "icinga-recovery"}, "healthchecks": {"healthchecks-down", "healthchecks-up"},
		"checkmk": {"checkmk-service", "checkmk-recovery"},
	} {
		source := stepstest.OpenSource(t, generic.Integration(), vendor(t, ofTheGuide(t, name), name))
		var alerts []incident.Alert
		for _, file := range files {
			batch, err := source.Parse(t.Context(), sent(t, file))
			if err != nil || len(batch.Alerts) != 1 {
				t.Fatalf("%s: %v", file, err)
			}
			alerts = append(alerts, batch.Alerts...)
		}
		if alerts[0].Recovered || !alerts[1].Recovered || alerts[0].Fingerprint() != alerts[1].Fingerprint() {
			t.Errorf("%s: %q fires as %v, %q as %v", name, alerts[0].Identity, !alerts[0].Recovered, alerts[1].Identity,
				!alerts[1].Recovered)
		}
	}
}

const listed = `
sources:
  acme:
    type: generic
    token: {secret: ACME}
    header: X-Acme-Token
    alerts: $.events
    service: [host]
    title: ["{msg} on {host} ({$.tool})"]
    severity: [sev]
    severities: {bad: critical}
    identity: [host, msg]
`

func TestAListIsReadAlertByAlert(t *testing.T) {
	request := sent(t, "list")
	request.Header = http.Header{"X-Acme-Token": {token}}
	stepstest.SourceContract(t, generic.Integration(), vendor(t, listed, "acme"),
		stepstest.Sent{Name: "list", Alerts: 2, Refused: 2, Proof: stepstest.ProofByToken, Request: request})
}

func TestAnotherDocumentIsRefusedAndAnEmptyListIsNot(t *testing.T) {
	source := stepstest.OpenSource(t, generic.Integration(), vendor(t, listed, "acme"))
	_, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"alerts":[]}`)})
	if want := "the body holds nothing at $.events, where the alerts should be"; err == nil || err.Error() != want ||
		incident.KindOf(err) != incident.Invalid {
		t.Errorf("%v, want %s", err, want)
	}
	if batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"events":[]}`)}); err != nil ||
		len(batch.Alerts)+len(batch.Refused) != 0 {
		t.Errorf("no alerts: %+v, %v", batch, err)
	}
}

func TestAlertsBeyondTheMostAreToldAndTheOthersTaken(t *testing.T) {
	source := stepstest.OpenSource(t, generic.Integration(), vendor(t, listed, "acme"))
	batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"events":[` + strings.Repeat(`{"host":"h","msg":"m"},`,
		1001) + `{}]}`)})
	if err != nil || len(batch.Alerts) != 1000 || len(batch.Refused) != 1 ||
		!strings.Contains(batch.Refused[0].Error(), "2 alerts too many") {
		t.Errorf("%d alerts, %v, %v", len(batch.Alerts), batch.Refused, err)
	}
}

func TestTheTokenIsTakenFromItsHeaderOnly(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(token))
	for _, test := range []struct {
		services string
		header   http.Header
		taken    bool
	}{
		{listed, http.Header{"X-Acme-Token": {token}}, true}, {listed, http.Header{"X-Acme-Token": {"Bearer " + token}}, false},
		{listed, http.Header{"Authorization": {"Bearer " + token}}, false}, {listed, http.Header{}, false},
		{listed, http.Header{"X-Acme-Token": {""}}, false},
		{strings.Replace(listed, "X-Acme-Token", "authorization", 1), http.Header{"Authorization": {"Bearer " + token}}, true},
		{strings.Replace(listed, "X-Acme-Token", "Authorization", 1), http.Header{"Authorization": {basic}}, true},
		{strings.Replace(listed, "X-Acme-Token", "Authorization", 1), http.Header{"Authorization": {token}}, false},
	} {
		source := stepstest.OpenSource(t, generic.Integration(), vendor(t, test.services, "acme"))
		if err := source.Authenticate(t.Context(), steps.Request{Header: test.header}); (err == nil) != test.taken {
			t.Errorf("%v: %v, want taken %v", test.header, err, test.taken)
		}
	}
}

func TestMistakesAreToldWithTheirLines(t *testing.T) {
	types := integration.Types{integration.Sources: integration.TypesOf([]integration.Descriptor[steps.Source]{generic.Integration()})}
	_, err := inventory.Load([]byte(`sources:
  acme:
    type: generic
    alerts: $..events
    header: "X Token"
    service: [a-b, host]
    labels:
      team: "tags["
    severities: {bad: worst}
    recovered: [ok]
    colour: red
services: {}
`), types)
	if err == nil {
		t.Fatal("it is taken")
	}
	for _, want := range []string{
		"services.yaml:2: sources.acme.token: is missing", `services.yaml:4: sources.acme.alerts: "$..events": step 2 is not supported`,
		"services.yaml:5: sources.acme.header: must be the name of a header, such as X-Token",
		`services.yaml:6: sources.acme.service[0]: "a-b" is not a JSONPath`,
		`services.yaml:7: sources.acme.labels.team: "tags[" is not a JSONPath`,
		`services.yaml:9: sources.acme.severities.bad: must be critical, high, medium or low`,
		"services.yaml:2: sources.acme.state: is missing", "services.yaml:2: sources.acme.identity: is missing",
		"services.yaml:11: sources.acme.colour: is not a setting here",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q:\n%v", want, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"list", "icinga-service", "healthchecks-down"} {
		body, err := os.ReadFile("testdata/" + file + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	settings := generic.Settings{
		Alerts: "$.events", Header: "X", Service: []string{"host"}, Title: []string{"{msg} on {host}"}, State: []string{"type"},
		Recovered: []string{"RECOVERY"},
		Identity:  []string{"host", "check"}, Message: []string{"output", "check"}, Timestamp: []string{"since"}, Link: []string{"link"},
	}
	source, err := generic.Open(stepstest.Env(nil), settings)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := source.Parse(context.Background(), steps.Request{Body: body})
		stepstest.ReadOrInvalid(t, body, batch, err)
	})
}

func TestAMappingThatIsWrongOpensNothing(t *testing.T) {
	_, err := generic.Open(stepstest.Env(nil), generic.Settings{Header: "X", Service: []string{"a["}})
	var wrong *incident.Error
	if !errors.As(err, &wrong) || wrong.Field != "service[0]" {
		t.Errorf("%v", err)
	}
}
