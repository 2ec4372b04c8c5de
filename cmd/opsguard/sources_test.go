package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/source"
	"github.com/opsguard/opsguard/pkg/steps"
)

// tried is what `opsguard sources try` does with a body.
type tried struct {
	status int
	view   steps.BatchView
	err    string
}

func try(t *testing.T, c sourcesTryCommand, body string) tried {
	t.Helper()
	var out bytes.Buffer
	status, err := c.try(t.Context(), strings.NewReader(body), &out)
	got := tried{status: status}
	if err != nil {
		got.err = err.Error()
		if out.Len() > 0 {
			t.Errorf("an error, and output beside it: %s", out.String())
		}
		return got
	}
	if err := json.Unmarshal(out.Bytes(), &got.view); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return got
}

const firing = `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"Disk <full>","service":"db"},"fingerprint":"f1"}`

func TestTryingABodySaysWhatWouldBecomeOfIt(t *testing.T) {
	for name, test := range map[string]struct {
		name, body      string
		header          []string
		status          int
		alerts, refused int
	}{
		"an alert":               {"alertmanager", firing + `]}`, nil, sourceRead, 1, 0},
		"one of two":             {"alertmanager", firing + `,{}]}`, nil, sourceRead, 1, 1},
		"none of two":            {"alertmanager", `{"version":"4","alerts":[{},{}]}`, nil, sourceRefused, 0, 2},
		"no alert, and no fault": {"alertmanager", `{"version":"4","alerts":[]}`, nil, sourceRead, 0, 0},
		"another document":       {"alertmanager", `{}`, nil, sourceRefused, 0, 1},
		"no JSON":                {"alertmanager", `hello`, nil, sourceRefused, 0, 1},
		"nothing":                {"alertmanager", ``, nil, sourceRefused, 0, 1},
		"our own body":           {"api", `{"serverName":"s","errorLogs":"x"}`, nil, sourceRead, 1, 0},
		"a form": {"api", `serverName=s&errorLogs=x`, []string{"Content-Type: application/x-www-form-urlencoded"},
			sourceRead, 1, 0},
		"another content type": {"api", `serverName=s&errorLogs=x`, []string{"content-type:text/plain"}, sourceRefused, 0, 1},
		"headers that are read": {"cloudevents", `out of memory`, []string{"Content-Type: text/plain", "ce-specversion: 1.0", "ce-id:1",
			"ce-source: /a", "CE-Type : t"}, sourceRead, 1, 0},
	} {
		got := try(t, sourcesTryCommand{Name: test.name, Header: test.header}, test.body)
		if got.err != "" || got.status != test.status || len(got.view.Alerts) != test.alerts || len(got.view.Refused) != test.refused {
			t.Errorf("%s: %+v; want status %d, %d alerts, %d refused", name, got, test.status, test.alerts, test.refused)
		}
	}
}

func TestWhatATryShowsIsReadable(t *testing.T) {
	var out bytes.Buffer
	if _, err := (sourcesTryCommand{Name: "alertmanager"}).try(t.Context(), strings.NewReader(firing+"]}"), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"errorLogs": "ALERT Disk <full> (high)\nservice: db"`, `"refused": []`, `"dedupKey": null`,
		`"identity": "f1"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not show %s:\n%s", want, out.String())
		}
	}
}

// Whoever tries a body may have no OpsGuard, or one whose settings are broken.
func TestTryingNeedsNoSettings(t *testing.T) {
	for name, value := range map[string]string{
		"OPSGUARD_ADDR": "nonsense", "OPSGUARD_SERVICES": "/no/such/file", "OPSGUARD_API_KEYS": "x", "OPSGUARD_LINK_KEYS": "x",
		"OPSGUARD_APPROVAL_TIMEOUT": "soon",
		"OPSGUARD_DATA_DIR":         "/dev/null/x", "OPSGUARD_LOG_LEVEL": "loud", "DISCORD_WEBHOOK_URL": "x", "GEMINI_API_KEY": "x",
	} {
		t.Setenv(name, value)
	}
	if got := try(t, sourcesTryCommand{Name: "alertmanager"}, firing+"]}"); got.err != "" || len(got.view.Alerts) != 1 {
		t.Errorf("%+v", got)
	}
}

func services(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "services.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAnEntryOfServicesYamlReadsByItsMapping(t *testing.T) {
	file := services(t, `
sources:
  mine: {type: generic, token: {secret: NOT_SET_ANYWHERE}, service: [host], title: [what], identity: [host, what]}
  alertmanager: {type: generic, token: {secret: NOT_SET_ANYWHERE}, service: [a]}
services: {}
`)
	got := try(t, sourcesTryCommand{Name: "mine", Services: file}, `{"host":"db-1","what":"disk full"}`)
	want := steps.BatchView{Refused: []steps.RefusedView{}, Alerts: []steps.AlertView{{
		Service: "db-1", Severity: "high", State: "firing", Identity: new("db-1/disk full"),
		Labels:    map[string]string{"host": "db-1", "what": "disk full"},
		ErrorLogs: "ALERT disk full (high)\nhost: db-1\nwhat: disk full",
	}}}
	if diff := cmp.Diff(want, got.view); diff != "" || got.err != "" {
		t.Errorf("%s (-want +got):\n%s", got.err, diff)
	}
	// An entry hides the type of its name; other types can be named all the same.
	if got := try(t, sourcesTryCommand{Name: "alertmanager", Services: file}, `{"a":"b"}`); len(got.view.Alerts) != 1 {
		t.Errorf("the entry: %+v", got)
	}
	if got := try(t, sourcesTryCommand{Name: "api", Services: file}, `{"serverName":"s","errorLogs":"x"}`); len(got.view.Alerts) != 1 {
		t.Errorf("a type: %+v", got)
	}
}

func TestWhatCannotBeTriedIsToldByName(t *testing.T) {
	good := services(t, "sources:\n  mine: {type: generic, token: {secret: X}}\nservices: {}\n")
	wrong := services(t, "sources:\n  mine: {type: generic, token: {secret: X}, service: ['a[']}\nservices: {}\n")
	for name, test := range map[string]struct {
		c    sourcesTryCommand
		body string
		want []string
	}{
		"an unknown type": {sourcesTryCommand{Name: "bell"}, "{}",
			[]string{`there is no source "bell"; there are api, alertmanager, `, "generic"}},
		"an unknown entry": {sourcesTryCommand{Name: "bell", Services: good}, "{}",
			[]string{`there is no source "bell"; there are mine, api, `}},
		"a header of no name": {sourcesTryCommand{Name: "api", Header: []string{": x"}}, "{}",
			[]string{`--header: ": x" is not of the form 'Name: value'`}},
		"half a header": {sourcesTryCommand{Name: "api", Header: []string{"A: b", "X-Key"}}, "{}",
			[]string{`--header: "X-Key" is not of the form 'Name: value'`}},
		"no such file": {sourcesTryCommand{Name: "mine", Services: "/no/such/file"}, "{}", []string{"/no/such/file"}},
		"a wrong file": {sourcesTryCommand{Name: "mine", Services: wrong}, "{}",
			[]string{"services.yaml:2: sources.mine.service[0]: ", "is not a JSONPath"}},
		"a body too large": {sourcesTryCommand{Name: "api"}, strings.Repeat(" ", steps.MaxRequest+1),
			[]string{"the body is larger than 2097152 bytes"}},
	} {
		got := try(t, test.c, test.body)
		for _, want := range test.want {
			if !strings.Contains(got.err, want) {
				t.Errorf("%s: %q does not say %q", name, got.err, want)
			}
		}
	}
}

func TestTheListNamesEverySource(t *testing.T) {
	var out bytes.Buffer
	if err := (sourcesListCommand{}).list(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(source.List()) {
		t.Fatalf("%d lines for %d sources:\n%s", len(lines), len(source.List()), out.String())
	}
	for i, d := range source.List() {
		if !strings.HasPrefix(lines[i], d.Name+" ") || !strings.HasSuffix(lines[i], "  "+d.Doc) {
			t.Errorf("%s is shown as %q", d.Name, lines[i])
		}
	}
}
