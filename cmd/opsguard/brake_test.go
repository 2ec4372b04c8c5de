package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// api answers /brake as the golden files of pkg/web show, and keeps what it was sent.
func api(t *testing.T, status int, answer string) (serving, *http.Request, *map[string]string) {
	t.Helper()
	got, sent := &http.Request{}, &map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*got = *r.Clone(r.Context())
		_ = json.NewDecoder(r.Body).Decode(sent)
		w.WriteHeader(status)
		w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return serving{URL: server.URL + "/"}, got, sent
}

const stoppedAnswer = `{"stopped":true,"stops":"fixes","by":"key:anna","at":"2026-11-24T10:10:00.000Z","reason":"deploys go wrong",
"valid":true,"changes":[{"seq":2,"stops":"fixes","by":"key:anna","at":"2026-11-24T10:10:00.000Z","reason":"deploys go wrong"},
{"seq":1,"stops":"none","by":"key:ben","at":"2026-11-23T10:10:00.000Z","reason":""}]}`

func TestStopSendsWhyAndSaysHowItStands(t *testing.T) {
	t.Setenv("OPSGUARD_KEY", "ogk_secret")
	at, got, sent := api(t, 200, stoppedAnswer)
	var out bytes.Buffer
	if err := at.set(t.Context(), &out, "fixes", "deploys go wrong"); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.URL.Path != "/brake" || got.Header.Get("Authorization") != "Bearer ogk_secret" ||
		(*sent)["stops"] != "fixes" || (*sent)["reason"] != "deploys go wrong" {
		t.Errorf("sent %s %s %v %v", got.Method, got.URL, got.Header, *sent)
	}
	want := "Fixes are stopped: none begins. A fix that did not help is still undone.\n" +
		"  2026-11-24T10:10:00.000Z  fixes  key:anna: deploys go wrong\n"
	if out.String() != want {
		t.Errorf("says\n%s", out.String())
	}
}

func TestBrakeTellsWhetherFixesGo(t *testing.T) {
	for name, test := range map[string]struct {
		answer  string
		json    bool
		stopped bool
		says    []string
	}{
		"stopped":        {stoppedAnswer, false, true, []string{"none begins", "key:anna: deploys", "none   key:ben\n"}},
		"never stopped":  {`{"stops":"none","changes":[],"valid":true}`, false, false, []string{"Fixes go.\n"}},
		"for a program":  {stoppedAnswer, true, true, []string{stoppedAnswer}},
		"a list altered": {`{"stops":"all","changes":[],"valid":false}`, false, true, []string{"none is undone", "altered"}},
	} {
		at, _, _ := api(t, 200, test.answer)
		var out bytes.Buffer
		stopped, err := brakeCommand{at, test.json}.show(t.Context(), &out)
		if err != nil || stopped != test.stopped {
			t.Errorf("%s: stopped %v, %v", name, stopped, err)
		}
		for _, part := range test.says {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: does not say %q:\n%s", name, part, out.String())
			}
		}
	}
}

func TestARefusalSaysWhatToDoAndHoldsNoKey(t *testing.T) {
	t.Setenv("OPSGUARD_KEY", "ogk_secret")
	for name, test := range map[string]struct {
		status int
		answer string
		says   string
	}{
		"a read key":      {403, `{"detail":"the key dash has the role read; this needs operate"}`, "; put an operator's key into OPSGUARD_KEY"},
		"no reason":       {400, `{"detail":"reason is missing"}`, "refused (400): reason is missing"},
		"a proxy's page":  {502, `<html>`, "refused (502): Bad Gateway"},
		"another service": {200, `{"ok":true}`, "not OpsGuard's kill switch; check --url"},
		"a redirect":      {307, ``, "refused (307)"},
	} {
		at, _, _ := api(t, test.status, test.answer)
		err := at.set(t.Context(), new(bytes.Buffer), "fixes", "x")
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "ogk_") {
			t.Errorf("%s: %v; want it to say %q", name, err, test.says)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	err := serving{URL: gone.URL}.set(t.Context(), new(bytes.Buffer), "fixes", "x")
	if err == nil || !strings.Contains(err.Error(), "does not answer at "+gone.URL) {
		t.Errorf("nobody there: %v", err)
	}
}
