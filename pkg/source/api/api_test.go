package api

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/body"
	"github.com/opsguard/opsguard/pkg/incident"
)

func TestParseTakesBothKindsAlike(t *testing.T) {
	full := incident.Alert{Tenant: "default", Source: "api", Service: "prod-api-01", ErrorLogs: "JavaScript heap out of memory\nat x",
		Severity: incident.Critical, Timestamp: time.Date(2026, 11, 24, 9, 0, 0, 120e6, time.UTC), DedupKey: "heap"}
	least := incident.Alert{Tenant: "default", Source: "api", Service: "prod-api-01", ErrorLogs: "x", Severity: incident.High}
	for name, test := range map[string]struct {
		kind body.Kind
		raw  string
		want incident.Alert
	}{
		"full": {body.JSON, `{"serverName":"prod-api-01","errorLogs":"JavaScript heap out of memory\nat x","severity":"critical",
			"timestamp":"2026-11-24T10:00:00.1209+01:00","dedupKey":"heap"}`, full},
		"least":              {body.JSON, `{"serverName":"prod-api-01","errorLogs":"x"}`, least},
		"nulls":              {body.JSON, `{"serverName":"prod-api-01","errorLogs":"x","severity":null,"timestamp":null,"dedupKey":null}`, least},
		"no key":             {body.JSON, `{"serverName":"prod-api-01","errorLogs":"x","dedupKey":""}`, least},
		"form":               {body.Form, "serverName=prod-api-01&errorLogs=JavaScript+heap+out+of+memory%0Aat+x&severity=critical&timestamp=2026-11-24T09:00:00.120Z&dedupKey=heap", full},
		"form, empty inputs": {body.Form, "serverName=prod-api-01&errorLogs=x&severity=&timestamp=&dedupKey=", least},
	} {
		got, err := parse(test.kind, []byte(test.raw))
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestParseNamesTheFieldThatIsWrong(t *testing.T) {
	const rest = `"serverName":"s","errorLogs":"x"`
	for name, test := range map[string]struct{ raw, want string }{
		"no serverName":      {`{"errorLogs":"x"}`, "serverName: is missing; name the service, as in services.yaml"},
		"null serverName":    {`{"serverName":null,"errorLogs":"x"}`, "serverName: is missing; name the service, as in services.yaml"},
		"empty serverName":   {`{"serverName":"","errorLogs":"x"}`, "serverName: is empty; send 1 to 128 characters"},
		"long serverName":    {`{"serverName":"` + strings.Repeat("é", 129) + `","errorLogs":"x"}`, "serverName: has 129 characters; send at most 128"},
		"NUL in serverName":  {`{"serverName":"a\u0000","errorLogs":"x"}`, "serverName: holds the control or invisible character U+0000; remove it"},
		"bidi in serverName": {`{"serverName":"a\u202eb","errorLogs":"x"}`, "serverName: holds the control or invisible character U+202E; remove it"},
		"no errorLogs":       {`{"serverName":"s"}`, "errorLogs: is missing; send the error lines"},
		"blank errorLogs":    {`{"serverName":"s","errorLogs":" \n"}`, "errorLogs: is empty; send the error lines, at least 1 byte"},
		"long errorLogs":     {`{"serverName":"s","errorLogs":"` + strings.Repeat("x", 200*1024+1) + `"}`, "errorLogs: is 204801 bytes; send at most 204800 (200 KiB): the last lines before the failure are the useful ones"},
		"lines as an array":  {`{"serverName":"s","errorLogs":["x"]}`, "errorLogs: must be a string, not an array"},
		"unknown severity":   {`{` + rest + `,"severity":"urgent"}`, "severity: must be critical, high, medium or low"},
		"other case":         {`{` + rest + `,"severity":"High"}`, "severity: must be critical, high, medium or low"},
		"empty severity":     {`{` + rest + `,"severity":""}`, "severity: is empty; send critical, high, medium or low, or leave it out"},
		"number severity":    {`{` + rest + `,"severity":1}`, "severity: must be a string, not a number"},
		"date only":          {`{` + rest + `,"timestamp":"2026-11-24"}`, "timestamp: must be RFC 3339, like 2026-01-31T10:00:00Z"},
		"seconds":            {`{` + rest + `,"timestamp":1795514400}`, "timestamp: must be a string, not a number"},
		"empty timestamp":    {`{` + rest + `,"timestamp":""}`, "timestamp: must be RFC 3339, like 2026-01-31T10:00:00Z"},
		"no zone":            {`{` + rest + `,"timestamp":"2026-11-24T10:00:00"}`, "timestamp: must be RFC 3339, like 2026-01-31T10:00:00Z"},
		"comma fraction":     {`{` + rest + `,"timestamp":"2026-11-24T10:00:00,5Z"}`, "timestamp: must be RFC 3339, like 2026-01-31T10:00:00Z"},
		"year 10000 in UTC":  {`{` + rest + `,"timestamp":"9999-12-31T23:59:59-01:00"}`, "timestamp: must lie between the years 1970 and 9999"},
		"year 0":             {`{` + rest + `,"timestamp":"0000-01-01T00:00:00Z"}`, "timestamp: must lie between the years 1970 and 9999"},
		"long dedupKey":      {`{` + rest + `,"dedupKey":"` + strings.Repeat("k", 257) + `"}`, "dedupKey: has 257 characters; send at most 256"},
		"dedupKey lines":     {`{` + rest + `,"dedupKey":"a\nb"}`, "dedupKey: holds the control or invisible character U+000A; remove it"},
		"tenant":             {`{` + rest + `,"tenant":"other"}`, "tenant: is not a field of this call; it takes serverName, errorLogs, severity, timestamp, dedupKey"},
	} {
		got, err := parse(body.JSON, []byte(test.raw))
		if err == nil || err.Error() != test.want || incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: got  %v\nwant %s", name, err, test.want)
		}
		if diff := cmp.Diff(incident.Alert{}, got); diff != "" {
			t.Errorf("%s: refused, but returned %+v", name, got)
		}
	}
}

func TestParseEdgesAreTaken(t *testing.T) {
	logs := strings.Repeat("x", 200*1024)
	form := url.Values{"serverName": {strings.Repeat("é", 128)}, "errorLogs": {logs}, "dedupKey": {strings.Repeat("k", 256)}, "timestamp": {"1970-01-01T00:00:00Z"}}
	a, err := parse(body.Form, []byte(form.Encode()))
	if err != nil || a.ErrorLogs != logs {
		t.Errorf("the largest alert: %d bytes of logs, %v", len(a.ErrorLogs), err)
	}
}

func FuzzParseAPI(f *testing.F) {
	f.Add(true, []byte(`{"serverName":"prod-api-01","errorLogs":"JavaScript heap out of memory","severity":"low","timestamp":"2026-11-24T10:00:00Z","dedupKey":"k"}`))
	f.Add(true, []byte(`{"serverName":"s","errorLogs":"\u0000\u001b[31m","timestamp":"9999-12-31T23:59:59-23:59"}`))
	f.Add(false, []byte("serverName=s&errorLogs=x%0Ay&severity=low"))
	f.Fuzz(func(t *testing.T, isJSON bool, raw []byte) {
		kind := body.Form
		if isJSON {
			kind = body.JSON
		}
		a, err := parse(kind, raw)
		if err != nil {
			if incident.KindOf(err) != incident.Invalid {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if err := a.Validate(); err != nil {
			t.Fatalf("%q: taken, but %v", raw, err)
		}
		if a.Tenant != incident.DefaultTenant || a.Source != Name || a.Recovered {
			t.Fatalf("%q chose its own tenant, source or recovery: %+v", raw, a)
		}
		if at := incident.FormatTime(a.Timestamp); len(at) != len(incident.TimeFormat) {
			t.Fatalf("%q: timestamp %s", raw, at)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	raw := []byte(`{"serverName":"prod-api-01","errorLogs":"` + strings.Repeat(`JavaScript heap out of memory\n  at x (y.js:1:2)\n`, 40) + `"}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parse(body.JSON, raw); err != nil {
			b.Fatal(err)
		}
	}
}
