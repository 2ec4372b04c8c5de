package cloudevents_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/cloudevents"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const (
	token  = "ce-token-0123456789"
	key    = "a key of thirty-two bytes, or so"
	former = "a former key of 24 bytes"
)

func encoded(key string) string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(key)) }

func byToken() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{integration.SecretSetting("secret", "CE")}, stepstest.Secrets{"CE": "ce-former-0123456789 " + token}
	}}
}

func bySignature() stepstest.Vendor {
	return stepstest.Vendor{Entry: func(string) ([]integration.Setting, stepstest.Secrets) {
		scheme := integration.Setting{Name: "scheme", Value: integration.Value{Text: "standard-webhooks"}}
		return []integration.Setting{integration.SecretSetting("secret", "CE"), scheme},
			stepstest.Secrets{"CE": encoded(former) + " " + encoded(key)}
	}}
}

func sent(t *testing.T, file, contentType string) steps.Request {
	t.Helper()
	body := stepstest.Fixture(t, file)
	return steps.Request{Header: http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {contentType}}, Body: body}
}

// signed is the request as Standard Webhooks signs it.
func signed(r steps.Request, at time.Time) steps.Request {
	const id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
	stamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(id + "." + stamp + "." + string(r.Body)))
	header := http.Header{"Content-Type": r.Header.Values("Content-Type"), "Webhook-Id": {id}, "Webhook-Timestamp": {stamp},
		"Webhook-Signature": {"v1a,bm90aGluZw== v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
	return steps.Request{Header: header, Body: r.Body}
}

func binary(t *testing.T) steps.Request {
	r := sent(t, "binary.txt", "text/plain; charset=utf-8")
	for name, value := range map[string]string{
		"specversion": "1.0", "id": "77", "source": "/db/orders%20db", "type": "com.example.db.Problem",
		"subject": `"Euro \"\\ %E2%82%AC"`, "time": "2026-11-20T03:12:44Z", "severity": "P1",
	} {
		r.Header.Set("ce-"+name, value)
	}
	return r
}

// The fixtures follow "CloudEvents", "JSON Event Format for CloudEvents", "HTTP Protocol
// Binding for CloudEvents" and the extension "severity", all 1.0.2 or later, and the
// signature "Standard Webhooks" 1.0.0; read in November 2026.
func TestItIsASource(t *testing.T) {
	const one, many = "application/cloudevents+json; charset=UTF-8", "application/cloudevents-batch+json"
	stepstest.SourceContract(t, cloudevents.Integration(), byToken(),
		stepstest.Sent{Name: "structured", Alerts: 1, Proof: stepstest.ProofByToken, Request: sent(t, "structured.json", one)},
		stepstest.Sent{Name: "recovered", Alerts: 1, Proof: stepstest.ProofByToken, Request: sent(t, "recovered.json", one)},
		stepstest.Sent{Name: "acknowledged", Alerts: 0, Proof: stepstest.ProofByToken, Request: sent(t, "acknowledged.json", one)},
		stepstest.Sent{Name: "batch", Alerts: 3, Refused: 4, Proof: stepstest.ProofByToken, Request: sent(t, "batch.json", many)},
		stepstest.Sent{Name: "binary", Alerts: 1, Proof: stepstest.ProofByToken, Request: binary(t)})

	stepstest.SourceContract(t, cloudevents.Integration(), bySignature(),
		stepstest.Sent{Name: "structured", Alerts: 1, Proof: stepstest.ProofBySignature, At: func(now time.Time) steps.Request {
			return signed(sent(t, "structured.json", one), now)
		}})
}

func TestItReadsWhatOthersPublished(t *testing.T) {
	stepstest.ReadsPayloads(t, cloudevents.Integration(), byToken(), "cloudevents")
}

func TestASignedRequestHasTheNameOfItsMessage(t *testing.T) {
	now := stepstest.Env(nil).Now()
	request := sent(t, "structured.json", "application/json")
	first, again := signed(request, now), signed(request, now.Add(time.Minute)) // as a retry is signed
	names := map[string]string{}
	for scheme, vendor := range map[string]stepstest.Vendor{"token": byToken(), "signature": bySignature()} {
		signer, ok := stepstest.OpenSource(t, cloudevents.Integration(), vendor).(steps.Signer)
		if !ok {
			t.Fatal("it names no delivery")
		}
		if signer.Delivery(first) != signer.Delivery(again) {
			t.Errorf("%s: a retry has another name", scheme)
		}
		names[scheme] = signer.Delivery(first)
	}
	if diff := cmp.Diff(map[string]string{"token": "", "signature": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"}, names); diff != "" {
		t.Errorf("only a signed request has a name (-want +got):\n%s", diff)
	}
}

// The headers are those of "HTTP 1.1 Web Hooks for Event Delivery" 1.0.2, section 4, in
// its repository, read in November 2026.
func TestWhoAsksByNameMaySend(t *testing.T) {
	for scheme, vendor := range map[string]stepstest.Vendor{"token": byToken(), "signature": bySignature()} {
		source, ok := stepstest.OpenSource(t, cloudevents.Integration(), vendor).(steps.Consenter)
		if !ok {
			t.Fatal("its senders cannot ask")
		}
		asks := http.Header{}
		asks.Set("WebHook-Request-Origin", "eventemitter.example.com")
		asks.Set("WebHook-Request-Rate", "120")
		asks.Set("WebHook-Request-Callback", "http://127.0.0.1:1/confirm?key=x")
		want := http.Header{}
		want.Set("WebHook-Allowed-Origin", "eventemitter.example.com")
		want.Set("WebHook-Allowed-Rate", "*")
		got, err := source.Consent(steps.Request{Header: asks})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", scheme, err, diff)
		}
		for _, origin := range []string{"", "a b", "https://example.com", "a\r\nb", "é.example.com", strings.Repeat("a", 254)} {
			asks.Set("WebHook-Request-Origin", origin)
			got, err := source.Consent(steps.Request{Header: asks})
			if got != nil || incident.KindOf(err) != incident.Invalid || !strings.HasPrefix(err.Error(), "WebHook-Request-Origin: ") {
				t.Errorf("%s: %q is told %v, %v", scheme, origin, got, err)
			}
		}
	}
}

// The signature covers the body. In binary mode a caught request could be sent again
// with other headers, for instance as a recovery.
func TestHeadersThatNoSignatureCoversAreNotRead(t *testing.T) {
	source := stepstest.OpenSource(t, cloudevents.Integration(), bySignature())
	_, err := source.Parse(t.Context(), binary(t))
	if err == nil || incident.KindOf(err) != incident.Invalid ||
		!strings.Contains(err.Error(), "Content-Type: is that of the binary mode, whose ce- headers the signature does not cover") {
		t.Errorf("binary mode: %v", err)
	}
	structured := sent(t, "structured.json", "application/cloudevents+json")
	structured.Header.Set("Ce-Type", "com.example.alert.resolved")
	structured.Header.Set("Ce-Specversion", "1.0")
	batch, err := source.Parse(t.Context(), structured)
	if err != nil || len(batch.Alerts) != 1 || batch.Alerts[0].Recovered {
		t.Errorf("a header beside a structured event counts: %+v, %v", batch, err)
	}
}

func parse(t *testing.T, settings cloudevents.Settings, header http.Header, body string) (steps.Batch, error) {
	t.Helper()
	if settings.Scheme == "" {
		settings.Scheme = "token"
	}
	source, err := cloudevents.Open(stepstest.Env(nil), settings)
	if err != nil {
		t.Fatal(err)
	}
	return source.Parse(t.Context(), steps.Request{Header: header, Body: []byte(body)})
}

func TestWhatIsNoCloudEventIsRefusedByName(t *testing.T) {
	full := func(change ...string) http.Header {
		h := http.Header{"Content-Type": {"text/plain"}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}
		for i := 0; i < len(change); i += 2 {
			h.Set(change[i], change[i+1])
		}
		return h
	}
	twice := full()
	twice.Add("Ce-Type", "u")
	typed := func(s string) http.Header { return http.Header{"Content-Type": {s}} }
	const event = `{"specversion":"1.0","id":"1","source":"/s","type":"t"}`
	for name, test := range map[string]struct {
		header http.Header
		body   string
		want   string
	}{
		"another format": {typed("application/cloudevents+avro"), "x",
			"Content-Type: is a format that is not read; send application/cloudevents+json"},
		"another batch format": {typed("application/cloudevents-batch+avro"), "x",
			"Content-Type: is a format that is not read; send application/cloudevents+json"},
		"a broken content type": {typed("a/b/c;;"), event, "Content-Type: cannot be read; send application/cloudevents+json"},
		"no event at all":       {typed("text/plain"), "x", "ce-specversion: is missing; this is no CloudEvent"},
		"a list for one":        {typed("application/cloudevents+json"), "[" + event + "]", "the body must be an object"},
		"one for a list":        {typed("application/cloudevents-batch+json"), event, "the body must be an array"},
		"a text":                {typed("application/json"), `"x"`, "the body must be an object or an array"},
		"another object":        {typed("application/json"), `{"a":1}`, "specversion: is missing; this is no CloudEvent"},
		"an older version": {typed("application/json"), `{"specversion":"0.3"}`,
			"specversion: is not known; events of version 1.0 are read"},
		"no id": {typed("application/json"), `{"specversion":"1.0","source":"/s","type":"t","id":null}`,
			"id: is missing; a CloudEvent must have it"},
		"an empty type": {typed("application/json"), `{"specversion":"1.0","source":"/s","type":"","id":"1"}`,
			"type: is missing; a CloudEvent must have it"},
		"broken data": {typed("application/json"), event[:len(event)-1] + `,"data_base64":"e3s="}`,
			"data_base64: holds something else than its datacontenttype says: the body is not JSON at byte 1"},
		"no source in headers": {full("Ce-Source", ""), "x", "ce-source: is missing; a CloudEvent must have it"},
		"an attribute twice":   {twice, "x", "ce-type: stands 2 times; an attribute must stand once"},
		"an overlong space":    {full("Ce-Subject", "a%C0%A0b"), "x", "ce-subject: is not percent-encoded UTF-8"},
		"half a percent sign":  {full("Ce-Subject", "50%"), "x", "ce-subject: is not percent-encoded UTF-8"},
		"binary, broken JSON":  {full("Content-Type", "application/json"), "{", "the body ends within its JSON, after 1 bytes"},
	} {
		batch, err := parse(t, cloudevents.Settings{}, test.header, test.body)
		if err == nil || err.Error() != test.want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v, %+v\nwant %s", name, err, batch, test.want)
		}
	}
}

func TestHeadersAreDecodedAsTheBindingSays(t *testing.T) {
	for value, want := range map[string]string{
		"Euro%20%E2%82%AC%20%F0%9F%98%80": "Euro € 😀", "a%2fb": "a/b", "%41": "A", "a+b": "a+b", `"a b"`: "a b",
		`"a \"b\" \\ c"`: `a "b" \ c`, `"%22"`: `"`, `"`: `"`, "": "",
	} {
		h := http.Header{"Content-Type": {"text/plain"}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"},
			"Ce-Type": {"t"}, "Ce-Subject": {value}}
		batch, err := parse(t, cloudevents.Settings{}, h, "x")
		if err != nil || len(batch.Alerts) != 1 || batch.Alerts[0].Labels["ce-subject"] != want {
			t.Errorf("%s: %+v, %v; want %q", value, batch.Alerts, err, want)
		}
	}
}

func TestWrongSettingsAreTold(t *testing.T) {
	d := cloudevents.Integration()
	text := func(name, value string) integration.Setting {
		return integration.Setting{Name: name, Value: integration.Value{Text: value}}
	}
	list := integration.Setting{Name: "service", Value: integration.Value{List: []string{"a["}}}
	var got []string
	for _, settings := range [][]integration.Setting{{text("scheme", "hmac")}, {list}} {
		for _, p := range d.CheckSettings(append(settings, integration.SecretSetting("secret", "CE"))) {
			got = append(got, incident.Cut(p.Error(), 40))
		}
	}
	if diff := cmp.Diff([]string{"scheme: must be token or standard-webhoo", `service[0]: "a[" is not a JSONPath: not `}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for file, contentType := range map[string]string{"structured.json": "application/json",
		"batch.json": "application/cloudevents-batch+json", "binary.txt": "text/plain"} {
		body, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, contentType, "/s", "a.b.resolved")
	}
	source, err := cloudevents.Open(stepstest.Env(nil), cloudevents.Settings{Scheme: "token"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType, from, kind string) {
		for _, h := range []http.Header{{"Content-Type": {contentType}},
			{"Content-Type": {contentType}, "Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {from}, "Ce-Type": {kind}}} {
			batch, err := source.Parse(context.Background(), steps.Request{Header: h, Body: body})
			stepstest.ReadOrInvalid(t, body, batch, err)
		}
	})
}
