package web

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestIngestPassesOnTheAlertAndItsSender(t *testing.T) {
	f := newFront(t, prefixed(t))
	res := f.do(t, call{method: "POST", target: "/ingest-alert", key: ingestKey, body: "serverName=s&errorLogs=x%0Ay&severity=low"})
	want := []steps.IngestInput{{By: "key:ci", Alert: incident.Alert{Tenant: "default", Source: "api", Service: "s", ErrorLogs: "x\ny", Severity: incident.Low}}}
	if diff := cmp.Diff(want, f.alerts); diff != "" || res.StatusCode != 202 {
		t.Errorf("%d (-want +got):\n%s", res.StatusCode, diff)
	}
	if got := res.Header.Get("Location"); got != "/Prod/incidents/"+detectedID {
		t.Errorf("Location %q leaves the stage", got)
	}
}

func TestIngestRefusesBadInput(t *testing.T) {
	fits := `{"serverName":"s","errorLogs":"` + strings.Repeat("x", 200*1024) + `","dedupKey":"k"`
	for name, test := range map[string]struct {
		call
		status      int
		slug, field string
	}{
		"broken JSON":      {call{body: `{"serverName":`}, 400, "invalid", ""},
		"wrong type":       {call{body: `{"serverName":"s","errorLogs":{}}`}, 400, "invalid", "errorLogs"},
		"unknown field":    {call{body: `{"serverName":"s","errorLogs":"x","target":"y"}`}, 400, "invalid", "target"},
		"empty field":      {call{body: `{"serverName":"","errorLogs":"x"}`}, 400, "invalid", "serverName"},
		"NUL":              {call{body: `{"serverName":"s\u0000","errorLogs":"x"}`}, 400, "invalid", "serverName"},
		"invalid UTF-8":    {call{body: "{\"serverName\":\"s\",\"errorLogs\":\"\xff\"}"}, 400, "invalid", ""},
		"lone surrogate":   {call{body: `{"serverName":"s","errorLogs":"\ud800"}`}, 400, "invalid", ""},
		"two objects":      {call{body: `{"serverName":"s","errorLogs":"x"}{}`}, 400, "invalid", ""},
		"long logs":        {call{body: fits[:40] + "x" + fits[40:] + "}"}, 400, "invalid", "errorLogs"},
		"too large":        {call{body: fits + strings.Repeat(" ", 56*1024) + "}"}, 413, "too-large", ""},
		"no content type":  {call{body: ""}, 415, "unsupported-media-type", ""},
		"multipart":        {call{body: "x", contentType: "multipart/form-data; boundary=x"}, 415, "unsupported-media-type", ""},
		"gzip":             {call{body: "{}", headers: []string{"Content-Encoding", "gzip"}}, 415, "unsupported-media-type", ""},
		"JSON as a form":   {call{body: `{"serverName":"s"}`, contentType: "application/x-www-form-urlencoded"}, 400, "invalid", ""},
		"key in the query": {call{target: "?key=ogk_secret", body: `{"serverName":"s","errorLogs":"x"}`}, 400, "invalid", "key"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t)
			c := test.call
			c.method, c.target, c.key = "POST", "/ingest-alert"+c.target, ingestKey
			p := problemIn(t, f.do(t, c), test.status, test.slug)
			if deref(p.Field) != test.field || len(f.alerts) > 0 {
				t.Errorf("field %q; want %q; taken: %v", deref(p.Field), test.field, f.alerts)
			}
			if strings.Contains(f.log.String(), "ogk_secret") {
				t.Errorf("the log holds the query: %s", f.log)
			}
		})
	}
	if res := newFront(t).do(t, call{method: "POST", target: "/ingest-alert", key: ingestKey, body: fits + "}"}); res.StatusCode != 202 {
		t.Errorf("the largest logs: %d %s", res.StatusCode, text(t, res))
	}
}

// A body without a declared length, and one that breaks off, over a real connection.
func TestBodiesOnTheWire(t *testing.T) {
	f := newFront(t)
	server := httptest.NewServer(f)
	defer server.Close()
	post := func(body io.Reader) (*http.Response, error) {
		r, err := http.NewRequest("POST", server.URL+"/ingest-alert", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+ingestKey)
		r.Header.Set("Content-Type", "application/json")
		return server.Client().Do(r)
	}
	res, err := post(io.MultiReader(strings.NewReader(`{"serverName":"s",`), strings.NewReader(`"errorLogs":"x"}`)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 202 {
		t.Errorf("chunked: %d %s", res.StatusCode, text(t, res))
	}
	res, err = post(io.MultiReader(strings.NewReader(strings.Repeat("x", 200*1024)), strings.NewReader(strings.Repeat("x", 200*1024))))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	problemIn(t, res, 413, "too-large")
	if _, err := post(io.MultiReader(strings.NewReader("{"), brokenReader{})); err == nil {
		t.Error("a body that breaks off was answered")
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the line went dead") }

func BenchmarkIngest(b *testing.B) {
	f := newFront(b, func(c *Config) {
		c.Ingest, c.Now, c.Log = countingIngest{}, time.Now, slog.New(slog.NewJSONHandler(io.Discard, nil))
	})
	body := `{"serverName":"prod-api-01","errorLogs":"` + strings.Repeat(`JavaScript heap out of memory\n`, 60) + `"}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/ingest-alert", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+ingestKey)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if w.Code != 202 {
			b.Fatal(w.Body)
		}
	}
}
