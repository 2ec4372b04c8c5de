package sentry_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/sentry"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const (
	secret   = "sentry-client-secret-0123456789"
	password = "sentry:plugin-password-0123456789"
)

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("secret", "SENTRY")},
			stepstest.Secrets{"SENTRY": "sentry-former-0123456789 " + secret}
	}}
}

func vendorWithPlugin() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("secret", "SENTRY"), integration.SecretSetting("plugin", "PLUGIN")},
			stepstest.Secrets{"SENTRY": secret, "PLUGIN": password}
	}}
}

func signed(resource string, body []byte) steps.Request {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return steps.Request{Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "Sentry-Hook-Resource": {resource},
		"Sentry-Hook-Timestamp": {"1795144365"}, "Sentry-Hook-Signature": {hex.EncodeToString(mac.Sum(nil))},
	}}
}

// The fixtures follow "Integration Platform: Webhooks" (Issue Alerts, Issues, Metric
// Alerts, Comments) in Sentry's documentation, read in November 2026. The body of the
// WebHooks plugin follows what Sentry's own source writes.
func TestItIsASource(t *testing.T) {
	sent := func(name, resource string, alerts int) stepstest.Sent {
		return stepstest.Sent{Name: name, Alerts: alerts, Request: signed(resource, stepstest.Fixture(t, name+".json"))}
	}
	stepstest.SourceContract(t, sentry.Integration(), vendor(),
		sent("event-alert", "event_alert", 1), sent("issue-unresolved", "issue", 1), sent("issue-resolved", "issue", 1),
		sent("issue-archived", "issue", 0), sent("metric-critical", "metric_alert", 1), sent("metric-resolved", "metric_alert", 1),
		sent("comment", "comment", 0))
}

func TestTheOlderPluginIsASource(t *testing.T) {
	r := &http.Request{Header: http.Header{"Content-Type": {"application/json"}}}
	user, word, _ := strings.Cut(password, ":")
	r.SetBasicAuth(user, word)
	stepstest.SourceContract(t, sentry.Integration(), vendorWithPlugin(), stepstest.Sent{
		Name: "plugin", Alerts: 1, Proof: stepstest.ProofByToken, Request: steps.Request{Header: r.Header, Body: stepstest.Fixture(t, "plugin.json")},
	})
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, sentry.Integration(), vendor(), "sentry")
}

func TestThePluginIsRefusedUnlessItHasASecret(t *testing.T) {
	source := stepstest.OpenSource(t, sentry.Integration(), vendor())
	for _, word := range []string{"", secret, password} {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth("sentry", word)
		if source.Authenticate(t.Context(), steps.Request{Header: r.Header, Body: stepstest.Fixture(t, "plugin.json")}) == nil {
			t.Errorf("taken with the password %q, and no secret is set for the plugin", word)
		}
	}
}

func TestAForgedSignatureIsNotSavedByTheSecretOfThePlugin(t *testing.T) {
	source := stepstest.OpenSource(t, sentry.Integration(), vendorWithPlugin())
	r := signed("issue", stepstest.Fixture(t, "issue-resolved.json"))
	if err := source.Authenticate(t.Context(), r); err != nil {
		t.Errorf("as it was sent: %v", err)
	}
	r.Body = append(r.Body, ' ')
	if source.Authenticate(t.Context(), r) == nil {
		t.Error("another body is taken")
	}
}

func TestEventsAndChangesOfOneIssueAreOneTrouble(t *testing.T) {
	source, got := stepstest.OpenSource(t, sentry.Integration(), vendor()), map[string]string{}
	for _, name := range []string{"event-alert", "issue-unresolved", "issue-resolved", "plugin", "metric-critical", "metric-resolved"} {
		batch, err := source.Parse(t.Context(), steps.Request{Body: stepstest.Fixture(t, name+".json")})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a := batch.Alerts[0]
		got[name] = fmt.Sprint(a.Identity, " ", a.Service, " ", a.Severity, " recovered=", a.Recovered)
	}
	want := map[string]string{
		"event-alert":      "issue/6001 checkout high recovered=false",
		"issue-unresolved": "issue/6001 checkout high recovered=false",
		"issue-resolved":   "issue/6001 checkout high recovered=true",
		"plugin":           "issue/6001 checkout critical recovered=false",
		"metric-critical":  "metric_alert/880 checkout critical recovered=false",
		"metric-resolved":  "metric_alert/880 checkout low recovered=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestABodyOfAnotherKindThanItsHeaderIsRefusedByName(t *testing.T) {
	source := stepstest.OpenSource(t, sentry.Integration(), vendor())
	for resource, want := range map[string]string{
		"event_alert":  "data.event: is missing; this is not the webhook that Sentry-Hook-Resource names",
		"error":        "data.error: is missing; this is not the webhook that Sentry-Hook-Resource names",
		"metric_alert": "data.metric_alert.id: is missing; an alert is told apart by it",
	} {
		if _, err := source.Parse(t.Context(), signed(resource, stepstest.Fixture(t, "issue-resolved.json"))); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", resource, err, want)
		}
	}
	_, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"status":"firing"}`)})
	if want := "data: is missing; this is not what Sentry sends"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWhatIsNoAlertDoesNothing(t *testing.T) {
	source := stepstest.OpenSource(t, sentry.Integration(), vendor())
	for resource, body := range map[string]string{
		"installation": `{"action":"created","data":{"installation":{"uuid":"1"}},"installation":{"uuid":"1"}}`,
		"seer":         `{"action":"root_cause_completed","data":{"run_id":1}}`,
		"issue":        `{"action":"assigned","data":{"issue":{"id":"1"}}}`,
		"metric_alert": `{"action":"something_new","data":{"metric_alert":{"id":"1"}}}`,
	} {
		batch, err := source.Parse(t.Context(), signed(resource, []byte(body)))
		if err != nil || len(batch.Alerts)+len(batch.Refused) > 0 {
			t.Errorf("%s: %v, %v", resource, batch, err)
		}
	}
}

func TestATagNamesNeitherTheServiceNorTheProject(t *testing.T) {
	source := stepstest.OpenSource(t, sentry.Integration(), vendor())
	for url, want := range map[string]string{"https://sentry.io/api/0/projects/acme/web/events/1/": "web", "": "7"} {
		batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"action":"triggered","data":{"event":{"issue_id":"1","title":"boom",
			"project":7,"url":"` + url + `","tags":[["service","payments"],["project","payments"],["organization","payments"],["zone","a"]]}}}`)})
		if err != nil {
			t.Fatal(err)
		}
		a := batch.Alerts[0]
		if a.Service != want || a.Labels["project"] == "payments" || a.Labels["organization"] == "payments" || a.Labels["zone"] != "a" {
			t.Errorf("the service is %q, want %q; the labels are %v", a.Service, want, a.Labels)
		}
	}
}

// Labels are bounded in number, and the first by name are kept.
func TestTagsPushNothingOutThatSentrySaysOfThePlace(t *testing.T) {
	var tags []string
	for i := range 64 {
		tags = append(tags, fmt.Sprintf(`["a%d","x"]`, i))
	}
	body := `{"action":"triggered","data":{"event":{"issue_id":"7","environment":"production",` +
		`"url":"https://sentry.io/api/0/projects/acme/checkout/events/1/","tags":[` + strings.Join(tags, ",") + `]}}}`
	batch, err := stepstest.OpenSource(t, sentry.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	a := batch.Alerts[0]
	for name, want := range map[string]string{"project": "checkout", "organization": "acme", "environment": "production"} {
		if a.Labels[name] != want {
			t.Errorf("%s is %q, want %q", name, a.Labels[name], want)
		}
	}
}

// The plugin's event is what the program sent; what stands beside it is Sentry's.
func TestAnEventOfThePluginDoesNotChooseItsProject(t *testing.T) {
	body := `{"project_slug":"web","message":"boom","url":"https://sentry.io/organizations/acme/issues/1/",
		"event":{"title":"boom","project_slug":"payments","url":"https://sentry.io/api/0/projects/acme/payments/events/1/"}}`
	batch, err := stepstest.OpenSource(t, sentry.Integration(), vendorWithPlugin()).Parse(t.Context(), steps.Request{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	if a := batch.Alerts[0]; a.Service != "web" || a.Labels["project"] != "web" {
		t.Errorf("the service is %q; the labels are %v", a.Service, a.Labels)
	}
}

func TestAMalformedPartThatIsOnlyShownCostsNothing(t *testing.T) {
	source := stepstest.OpenSource(t, sentry.Integration(), vendor())
	batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"action":"triggered","data":{"event":{"issue_id":"1","title":"boom",
		"exception":{"values":[7,{"stacktrace":"none"}]},"tags":"none","breadcrumbs":[],"request":8,"datetime":"yesterday"}}}`)})
	if err != nil || len(batch.Alerts) != 1 {
		t.Fatalf("%v, %v", batch, err)
	}
	if got := batch.Alerts[0].ErrorLogs; !strings.HasPrefix(got, "SENTRY boom (high)\n") {
		t.Errorf("the evidence is %q", got)
	}
}

func TestALongStackKeepsTheCallsThatFailed(t *testing.T) {
	var frames []string
	for i := range 400 {
		frames = append(frames, fmt.Sprintf(`{"function":"f%d","filename":"a.go","lineno":%d}`, i, i))
	}
	body := `{"action":"triggered","data":{"event":{"issue_id":"1","exception":{"values":[{"type":"E","value":"v","stacktrace":{"frames":[` +
		strings.Join(frames, ",") + `]}}]}}}}`
	batch, err := stepstest.OpenSource(t, sentry.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	got := batch.Alerts[0].ErrorLogs
	for _, want := range []string{"SENTRY E: v (high)\n", "E: v\n  at f399 (a.go:399)\n", "  at f350 (a.go:350)\n  ... and 350 calls before"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the evidence:\n%s", want, got)
		}
	}
}

func TestNothingOfTheUserIsShown(t *testing.T) {
	for _, name := range []string{"event-alert", "plugin"} {
		batch, err := stepstest.OpenSource(t, sentry.Integration(), vendor()).Parse(t.Context(), steps.Request{Body: stepstest.Fixture(t, name+".json")})
		if err != nil {
			t.Fatal(err)
		}
		for _, private := range []string{"192.0.2.7", "id:42", "coupon", "key=secret", "not shown"} {
			if strings.Contains(batch.Alerts[0].ErrorLogs, private) {
				t.Errorf("%s: the evidence shows %q", name, private)
			}
		}
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &sentry.Source{}) }
