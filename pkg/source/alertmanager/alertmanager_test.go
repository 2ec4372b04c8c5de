package alertmanager_test

import (
	"context"
	"net/http"
	"os"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
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
	body, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return steps.Request{Header: http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}, Body: body}
}

// The fixture follows "webhook_config" in the documentation of Alertmanager 0.28, read in
// November 2026.
func TestItIsASource(t *testing.T) {
	stepstest.SourceContract(t, alertmanager.Integration(), vendor(),
		stepstest.Sent{Name: "group", Alerts: 2, Refused: 1, Proof: stepstest.ProofByToken, Request: sent(t, "group.json")})
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

func FuzzParse(f *testing.F) {
	body, err := os.ReadFile("testdata/group.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := (&alertmanager.Source{}).Parse(context.Background(), steps.Request{Body: body})
		if err != nil && incident.KindOf(err) != incident.Invalid {
			t.Fatalf("%q: %v", body, err)
		}
		for _, a := range batch.Alerts {
			if err := a.Validate(); err != nil {
				t.Fatalf("%q: taken, but %v", body, err)
			}
		}
	})
}
