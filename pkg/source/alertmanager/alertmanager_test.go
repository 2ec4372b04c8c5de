package alertmanager_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/alertmanager"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "am-token-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "AM")}, stepstest.Secrets{"AM": "am-former-0123456789 " + token}
	}}
}

func sent(t *testing.T, file string) steps.Request {
	t.Helper()
	return stepstest.Authorized("Bearer "+token, stepstest.Fixture(t, file))
}

// The fixture follows "webhook_config" in the documentation of Alertmanager 0.28, read in
// November 2026.
func TestItIsASource(t *testing.T) {
	stepstest.SourceContract(t, alertmanager.Integration(), vendor(),
		stepstest.Sent{Name: "group", Alerts: 2, Refused: 1, Proof: stepstest.ProofByToken, Request: sent(t, "group.json")},
		stepstest.Sent{Name: "group-resolved", Alerts: 2, Proof: stepstest.ProofByToken, Request: sent(t, "group-resolved.json")})
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, alertmanager.Integration(), vendor(), "alertmanager")
}

func TestAnotherVersionIsRefusedByName(t *testing.T) {
	source := stepstest.OpenSource(t, alertmanager.Integration(), vendor())
	_, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"version":"3","alert":[]}`)})
	if want := "version: is not known; the documents of version 4 are read"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// Grafana posts version 1, with alerts that look alike.
func TestNothingOfAnotherVersionIsTaken(t *testing.T) {
	source := stepstest.OpenSource(t, alertmanager.Integration(), vendor())
	body := `{"version":"1","alerts":[{"status":"firing","labels":{"alertname":"x"}}]}`
	batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(body)})
	if err == nil || len(batch.Alerts) != 0 {
		t.Errorf("%v, %v", batch, err)
	}
}

// many is a document with n alerts that differ in one label.
func many(n int) []byte {
	alerts := make([]string, n)
	for i := range alerts {
		alerts[i] = fmt.Sprintf(`{"status":"firing","labels":{"alertname":"PodRestarts","deployment":"api-%d","namespace":"shop",
			"severity":"warning"},"annotations":{"summary":"The pod restarts","description":"5 restarts in 10 minutes"},
			"startsAt":"2026-11-20T02:58:00Z","endsAt":"0001-01-01T00:00:00Z",
			"generatorURL":"https://prometheus.example.com/graph?g0.expr=up","fingerprint":"%016x"}`, i, i)
	}
	return []byte(`{"version":"4","groupKey":"{}:{}","truncatedAlerts":0,"status":"firing","receiver":"opsguard","groupLabels":{},` +
		`"commonLabels":{},"commonAnnotations":{},"externalURL":"https://alerts.example.com","alerts":[` + strings.Join(alerts, ",") + `]}`)
}

func TestAHundredAlertsOfOneRequestAreEachTaken(t *testing.T) {
	source := stepstest.OpenSource(t, alertmanager.Integration(), vendor())
	batch, err := source.Parse(t.Context(), steps.Request{Body: many(100)})
	if err != nil || len(batch.Alerts) != 100 || len(batch.Refused) != 0 {
		t.Fatalf("%d alerts, %v, %v", len(batch.Alerts), batch.Refused, err)
	}
	prints := map[string]bool{}
	for i, a := range batch.Alerts {
		if want := fmt.Sprintf("api-%d", i); a.Service != want {
			t.Errorf("alert %d is about %s, want %s", i, a.Service, want)
		}
		prints[a.Fingerprint()] = true
	}
	if len(prints) != 100 {
		t.Errorf("%d different troubles, want 100", len(prints))
	}
}

func TestOfMoreAlertsThanAreTakenTheRestIsRefused(t *testing.T) {
	source := stepstest.OpenSource(t, alertmanager.Integration(), vendor())
	batch, err := source.Parse(t.Context(), steps.Request{Body: many(intake.MaxAlerts + 1)})
	if err != nil || len(batch.Alerts) != intake.MaxAlerts || len(batch.Refused) != 1 {
		t.Errorf("%d alerts, %v, %v", len(batch.Alerts), batch.Refused, err)
	}
}

// BenchmarkAlert reads a document with one alert and names its trouble.
func BenchmarkAlert(b *testing.B) {
	source, body := &alertmanager.Source{}, many(1)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		batch, err := source.Parse(b.Context(), steps.Request{Body: body})
		if err != nil || len(batch.Alerts[0].Fingerprint()) == 0 {
			b.Fatal(err)
		}
	}
}

func TestBasicAuthenticationIsTakenToo(t *testing.T) {
	v := stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("authorization", "AM")}, stepstest.Secrets{"AM": "prometheus:" + token}
	}}
	source := stepstest.OpenSource(t, alertmanager.Integration(), v)
	request := func(user, password string) steps.Request {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(user, password)
		return steps.Request{Header: r.Header}
	}
	if err := source.Authenticate(t.Context(), request("prometheus", token)); err != nil {
		t.Errorf("the right password: %v", err)
	}
	if source.Authenticate(t.Context(), request("prometheus", "x")) == nil || source.Authenticate(t.Context(), request("x", token)) == nil {
		t.Error("a wrong user or password is taken")
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &alertmanager.Source{}) }
