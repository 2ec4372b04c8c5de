package pagerduty_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/pagerduty"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const secret = "pd-signing-secret-0123456789"

func vendor() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("secret", "PD")}, stepstest.Secrets{"PD": "pd-former-0123456789 " + secret}
	}}
}

func signature(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func signed(body []byte) steps.Request {
	return steps.Request{Header: http.Header{
		"Content-Type": {"application/json"}, "X-Pagerduty-Signature": {signature(secret, body)},
	}, Body: body}
}

// The fixtures follow "Webhooks: Overview" in PagerDuty's developer documentation, read in
// November 2026.
func TestItIsASource(t *testing.T) {
	stepstest.SourceContract(t, pagerduty.Integration(), vendor(),
		stepstest.Sent{Name: "triggered", Alerts: 1, Request: signed(stepstest.Fixture(t, "triggered.json"))},
		stepstest.Sent{Name: "resolved", Alerts: 1, Request: signed(stepstest.Fixture(t, "resolved.json"))},
		stepstest.Sent{Name: "acknowledged", Request: signed(stepstest.Fixture(t, "acknowledged.json"))})
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, pagerduty.Integration(), vendor(), "pagerduty")
}

func TestOneOfSeveralSignaturesIsEnough(t *testing.T) {
	source, body := stepstest.OpenSource(t, pagerduty.Integration(), vendor()), []byte(`{"event":{}}`)
	right, other := signature(secret, body), signature("other", body)
	for header, taken := range map[string]bool{
		right: true, other + "," + right: true, right + ", " + other: true, other: false, "": false,
		strings.TrimPrefix(right, "v1="): false, "v2=" + strings.TrimPrefix(right, "v1="): false, "v1=,v1=zz": false,
	} {
		r := steps.Request{Header: http.Header{"X-Pagerduty-Signature": {header}}, Body: body}
		if err := source.Authenticate(t.Context(), r); (err == nil) != taken {
			t.Errorf("%q: %v, want it taken: %v", header, err, taken)
		}
	}
}

func TestOnlyWhatBeginsOrEndsAnIncidentIsAnAlert(t *testing.T) {
	source := stepstest.OpenSource(t, pagerduty.Integration(), vendor())
	got := map[string]string{}
	for _, kind := range []string{"triggered", "reopened", "resolved", "acknowledged", "unacknowledged", "annotated", "delegated", "escalated",
		"priority_updated", "reassigned", "responder.added", "responder.replied", "status_update_published", "of_next_year"} {
		got[kind] = state(t, source, `{"event":{"event_type":"incident.`+kind+`","data":{"id":"Q1","title":"t"}}}`)
	}
	got["merged"] = state(t, source,
		`{"event":{"event_type":"incident.resolved","data":{"id":"Q1","resolve_reason":{"type":"merge_resolve_reason"}}}}`)
	got["ping"] = state(t, source, `{"event":{"event_type":"pagey.ping","resource_type":"pagey","data":{"message":"Hello","type":"ping"}}}`)
	got["service"] = state(t, source, `{"event":{"event_type":"service.updated","data":{"id":"P1","type":"service"}}}`)
	want := map[string]string{
		"triggered": "firing", "reopened": "firing", "resolved": "recovered", "acknowledged": "", "unacknowledged": "", "annotated": "",
		"delegated": "", "escalated": "", "priority_updated": "", "reassigned": "", "responder.added": "", "responder.replied": "",
		"status_update_published": "", "of_next_year": "", "merged": "", "ping": "", "service": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state by type of event (-want +got):\n%s", diff)
	}
}

func state(t *testing.T, source steps.Source, body string) string {
	t.Helper()
	batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(body)})
	if err != nil || len(batch.Refused) > 0 {
		t.Errorf("%s: %v, %v", body, err, batch.Refused)
	}
	switch {
	case len(batch.Alerts) == 0:
		return ""
	case batch.Alerts[0].Recovered:
		return "recovered"
	}
	return "firing"
}

func TestAPriorityCountsMoreThanTheUrgency(t *testing.T) {
	source := stepstest.OpenSource(t, pagerduty.Integration(), vendor())
	for fields, want := range map[string]incident.Severity{
		`"priority":{"summary":"P1"},"urgency":"low"`:              incident.Critical,
		`"priority":{"summary":"SEV-2 customers"},"urgency":"low"`: incident.High,
		`"priority":{"summary":"when you can"},"urgency":"low"`:    incident.Low,
		`"priority":null,"urgency":"high"`:                         incident.High,
		`"priority":null`:                                          incident.High,
	} {
		body := `{"event":{"event_type":"incident.triggered","data":{"id":"Q1",` + fields + `}}}`
		batch, err := source.Parse(t.Context(), steps.Request{Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		if got := batch.Alerts[0].Severity; got != want {
			t.Errorf("%s: %s, want %s", fields, got, want)
		}
	}
}

func TestAnOlderVersionIsRefusedByName(t *testing.T) {
	source := stepstest.OpenSource(t, pagerduty.Integration(), vendor())
	_, err := source.Parse(t.Context(), steps.Request{Body: []byte(`{"messages":[{"type":"incident.trigger"}]}`)})
	if want := "messages: belongs to webhooks of version 1 or 2; add a Generic Webhook (v3) in PagerDuty"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestACopyIsTheSameDelivery(t *testing.T) {
	source, ok := stepstest.OpenSource(t, pagerduty.Integration(), vendor()).(steps.Signer)
	if !ok {
		t.Fatal("the source names no deliveries")
	}
	first, second := signed([]byte(`{"a":1}`)), signed([]byte(`{"a":1}`))
	first.Header.Set("X-Webhook-Id", "1")
	second.Header.Set("X-Webhook-Id", "2")
	if name := source.Delivery(first); name == "" || name != source.Delivery(second) {
		t.Error("a copy with another X-Webhook-Id, which nobody signed, counts as another delivery")
	}
	if source.Delivery(first) == source.Delivery(signed([]byte(`{"a":2}`))) {
		t.Error("two bodies are one delivery")
	}
}

func FuzzParse(f *testing.F) { stepstest.ReadsAnyBody(f, &pagerduty.Source{}) }
