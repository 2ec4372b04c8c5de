package integration_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// The server is on this machine, which an address from outside must not reach, by
// whatever name.
func TestAnAddressFromOutsideLeadsNowhereInside(t *testing.T) {
	reached := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer server.Close()
	port := strings.TrimPrefix(server.URL, "http://127.0.0.1:")
	client := integration.NewOutside()
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1"} {
		resp, err := client.Get("http://" + host + ":" + port + "/")
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s was reached", host)
		}
	}
	for _, host := range []string{"127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "224.0.0.1", "198.18.0.1"} {
		if _, err := client.Get("http://" + host + ":1/"); !errors.Is(err, integration.ErrPrivateAddress) {
			t.Errorf("%s: %v, want it refused before it is connected to", host, err)
		}
	}
	if reached {
		t.Error("the server on this machine was called")
	}
}

func TestOnlyCallsToThisMachineGoUnencrypted(t *testing.T) {
	for text, want := range map[string]bool{
		"https://discord.com": true, "https://127.0.0.1": true, "http://localhost:3000": true, "http://127.0.0.1": true, "http://127.9.9.9:1": true,
		"http://[::1]:1": true, "http://discord.com": false, "http://localhost.evil.example": false, "http://10.0.0.1": false,
		"http://0.0.0.0": false, "http://2130706433": false, "ftp://localhost": false, "//localhost": false, "http:": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := integration.Encrypted(u); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := false
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere = true }))
	defer target.Close()
	server := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	_, err := stepstest.Env(nil).Do(t.Context(), integration.Call{Vendor: "Vendor", Method: http.MethodPost, URL: server.URL, Body: "x"})
	if incident.KindOf(err) != incident.Invalid || elsewhere {
		t.Errorf("%v, followed %v; want Invalid and not followed", err, elsewhere)
	}
}

func TestErrorsCarryTheVendorsRequestID(t *testing.T) {
	for id, want := range map[string]string{"req-7/a": " (request id req-7/a)", "two words": "", "": "", strings.Repeat("x", 129): ""} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Vendor-Id", id)
			w.WriteHeader(http.StatusConflict)
		}))
		_, err := stepstest.Env(nil).Do(t.Context(), integration.Call{Vendor: "Vendor", Method: http.MethodGet, URL: server.URL, RequestID: "X-Vendor-Id"})
		server.Close()
		if err == nil || err.Error() != "Vendor refused the call (409)"+want {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		header, body string
		want         time.Duration
	}{
		{"2", "", 2 * time.Second}, {"0.5", "", 500 * time.Millisecond}, {"2", `{"retry_after":1.337}`, 1337 * time.Millisecond},
		{"Tue, 24 Nov 2026 10:00:30 GMT", "", 30 * time.Second}, {"Tue, 24 Nov 2026 09:00:00 GMT", "", 0},
		{"", "", time.Minute}, {"-1", "", time.Minute}, {"NaN", "", time.Minute}, {"1e9", "", time.Minute}, {"soon", "<html>", time.Minute},
	} {
		if got := integration.RetryAfter(http.Header{"Retry-After": {tc.header}}, []byte(tc.body), now); got != tc.want {
			t.Errorf("%q %q: %s, want %s", tc.header, tc.body, got, tc.want)
		}
	}
}
