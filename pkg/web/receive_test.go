package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// pagers are two configured senders, of which one says all that a batch can say.
type pagers struct{ got *[]steps.Request }

func (p pagers) Handle(_ context.Context, source string, r steps.Request) (steps.Received, error) {
	switch {
	case source != "pager":
		return steps.Received{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "services.yaml lists no %s", source)
	case r.Header.Get("X-Signature") != "good":
		refused := incident.Fail(incident.Forbidden, incident.CodeForbidden, "the signature is not the pager's")
		refused.Err = errors.New("it was signed too long ago")
		return steps.Received{}, refused
	case string(r.Body) == "nonsense":
		return steps.Received{}, incident.BadField("alerts", "is missing")
	case string(r.Body) == "down":
		return steps.Received{}, incident.Unavail("the store does not answer", nil)
	}
	*p.got = append(*p.got, r)
	return steps.Received{By: "source:pager", Taken: []steps.Ingested{{IncidentID: waitingID, Status: incident.Detected}, {}},
		Refused: []error{incident.BadField("alerts[2].service", "is empty; send 1 to 128 characters")}}, nil
}

func (p pagers) Consent(source string, r steps.Request) (http.Header, error) {
	switch {
	case source == "silent":
		return nil, nil
	case source != "pager":
		return nil, incident.Fail(incident.NotFound, incident.CodeNotFound, "services.yaml lists no %s", source)
	case r.Header.Get("May-I") == "":
		return nil, incident.BadField("May-I", "is missing")
	}
	return http.Header{"You-May": {r.Header.Get("May-I")}}, nil
}

func TestASenderThatAsksIsToldWhetherItMaySend(t *testing.T) {
	f := newFront(t, func(c *Config) { c.Receive = pagers{} })
	res := f.do(t, call{method: "OPTIONS", target: "/ingest/pager", headers: []string{"May-I", "please"}})
	if res.Header.Get("You-May") != "please" {
		t.Errorf("%v", res.Header)
	}
	golden(t, "consent.http", dump(t, res))
	if p := problemIn(t, f.do(t, call{method: "OPTIONS", target: "/ingest/pager"}), 400, "invalid"); deref(p.Field) != "May-I" {
		t.Errorf("%+v", p)
	}
	res = f.do(t, call{method: "OPTIONS", target: "/ingest/silent", headers: []string{"May-I", "please"}})
	if problemIn(t, res, 405, "method-not-allowed"); res.Header.Get("Allow") != "POST" {
		t.Errorf("%v", res.Header)
	}
	for name, f := range map[string]*front{"others": f, "none": newFront(t)} {
		res := f.do(t, call{method: "OPTIONS", target: "/ingest/grafana", headers: []string{"May-I", "please"}})
		if got := text(t, res); res.StatusCode != 404 || got != "" || res.Header.Get("You-May") != "" {
			t.Errorf("%s: %d %q %v", name, res.StatusCode, got, res.Header)
		}
	}
}

func TestASourceThatIsNotConfiguredIsABare404(t *testing.T) {
	for name, f := range map[string]*front{
		"no sources": newFront(t), "others": newFront(t, func(c *Config) { c.Receive = pagers{} }), "keyless": newFront(t, keyless),
	} {
		for _, target := range []string{"/ingest/grafana", "/ingest/api", "/ingest/ogk_x"} {
			res := f.do(t, call{method: "POST", target: target, key: operateKey, body: "{}"})
			if got := text(t, res); res.StatusCode != 404 || got != "" || res.Header.Get("Content-Type") != "" {
				t.Errorf("%s, %s: %d %q", name, target, res.StatusCode, got)
			}
		}
		if len(f.alerts) > 0 || strings.Contains(f.log.String(), "grafana") {
			t.Errorf("%s: %v, log %s", name, f.alerts, f.log)
		}
	}
}

func TestABadSignatureIsABare401(t *testing.T) {
	f := newFront(t, func(c *Config) { c.Receive = pagers{} })
	res := f.do(t, call{method: "POST", target: "/ingest/pager", key: operateKey, body: "{}", headers: []string{"X-Signature", "forged"}})
	if got := text(t, res); res.StatusCode != 401 || got != "" || res.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("%d %q %v", res.StatusCode, got, res.Header)
	}
	if log := f.log.String(); !strings.Contains(log, `"level":"WARN"`) || !strings.Contains(log, "the signature is not the pager's: it was signed too long ago") {
		t.Errorf("the attempt is not in the log: %s", log)
	}
}

func TestASendersBatchIsToldAlertByAlert(t *testing.T) {
	var got []steps.Request
	f := newFront(t, func(c *Config) { c.Receive = pagers{&got} })
	sent := call{method: "POST", target: "/ingest/pager", body: "any bytes \xff", contentType: "application/x-pager"}
	sent.headers = []string{"X-Signature", "good"}
	golden(t, "received.http", dump(t, f.do(t, sent)))
	if len(got) != 1 || string(got[0].Body) != sent.body || got[0].Header.Get("Content-Type") != "application/x-pager" {
		t.Errorf("%s", cmp.Diff(sent.body, got))
	}
	if !strings.Contains(f.log.String(), `"by":"source:pager"`) {
		t.Errorf("log: %s", f.log)
	}
	sent.body = "nonsense"
	if p := problemIn(t, f.do(t, sent), 400, "invalid"); deref(p.Field) != "alerts" {
		t.Errorf("%+v", p)
	}
	sent.body = "down"
	problemIn(t, f.do(t, sent), 503, "unavailable")
	sent.body = strings.Repeat("x", steps.MaxRequest+1)
	problemIn(t, f.do(t, sent), 413, "too-large")
}
