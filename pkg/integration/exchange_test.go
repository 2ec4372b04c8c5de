package integration_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// serve answers every call by handler and returns what an exchange with it tells.
func exchange(t *testing.T, c integration.Call, handler http.HandlerFunc) (integration.Answer, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	c.Vendor, c.Method, c.URL = "the vendor", http.MethodPost, server.URL
	return stepstest.Env(nil).Exchange(t.Context(), c)
}

func TestARefusalLeavesNothingTouchedAndTroubleLeavesItOpen(t *testing.T) {
	for status := 200; status < 600; status++ {
		a, err := exchange(t, integration.Call{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Etag", `"7"`)
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(status)
		})
		if a.Status != status || a.Header.Get("Etag") != `"7"` || (err == nil) != (status < 300) {
			t.Fatalf("%d: %+v, %v", status, a, err)
		}
		if want := status >= 400 && status < 500 && status != 408; err != nil && a.Untouched(err) != want {
			t.Errorf("%d: untouched is %v", status, !want)
		}
	}
}

func TestACallThatNeverArrivedLeavesNothingTouched(t *testing.T) {
	env := stepstest.Env(nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + listener.Addr().String()
	listener.Close()
	a, err := env.Exchange(t.Context(), integration.Call{Vendor: "x", Method: http.MethodPost, URL: gone})
	if incident.KindOf(err) != incident.Unavailable || !a.Untouched(err) {
		t.Errorf("nobody listens: %v", err)
	}
	a, err = env.Exchange(t.Context(), integration.Call{Vendor: "x", Method: http.MethodPost, URL: gone, Body: func() {}})
	if incident.KindOf(err) != incident.Invalid || !a.Untouched(err) {
		t.Errorf("it could not be written: %v", err)
	}
}

func TestACallWhoseAnswerIsLostMayHaveTouchedIt(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"it hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"it is cut": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "{")
		},
	} {
		if a, err := exchange(t, integration.Call{}, handler); err == nil || a.Untouched(err) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	ctx, giveUp := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		giveUp() // once the call has arrived
		<-r.Context().Done()
	}))
	defer server.Close()
	a, err := stepstest.Env(nil).Exchange(ctx, integration.Call{Vendor: "x", Method: http.MethodPost, URL: server.URL})
	if err == nil || a.Untouched(err) {
		t.Errorf("it hangs: %+v, %v", a, err)
	}
}

func TestALimitWithAStatusOfItsOwnIsARateLimit(t *testing.T) {
	calls := 0
	limit := func(a integration.Answer) (time.Duration, bool) {
		return 90 * time.Second, a.Status == 403 && a.Header.Get("X-Left") == "0"
	}
	a, err := exchange(t, integration.Call{Limit: limit}, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("X-Left", "0")
		w.WriteHeader(403)
	})
	if incident.KindOf(err) != incident.Unavailable || incident.WaitOf(err) != 90*time.Second || calls != 1 || !a.Untouched(err) {
		t.Errorf("%v, to wait %s, %d calls", err, incident.WaitOf(err), calls)
	}
	if _, err := exchange(t, integration.Call{Limit: limit}, func(w http.ResponseWriter,
		_ *http.Request) {
		w.WriteHeader(403)
	}); incident.KindOf(err) != incident.Invalid {
		t.Errorf("a plain 403: %v", err)
	}
}

func TestAnAnswerIsReadUpToItsBound(t *testing.T) {
	for bound, want := range map[int64]int{0: integration.MaxAnswer, 1 << 20: 1 << 20} {
		a, err := exchange(t, integration.Call{Max: bound}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", 2<<20))
		})
		if err != nil || len(a.Body) != want {
			t.Errorf("bound %d: %d bytes, %v", bound, len(a.Body), err)
		}
	}
}

func TestAServersAddressLeadsToThatServerOnly(t *testing.T) {
	for text, want := range map[string]string{
		"https://a.example.com": "https://a.example.com", "https://a.example.com:8443/cd/": "https://a.example.com:8443/cd",
		"http://127.0.0.1:1":   "http://127.0.0.1:1",
		"http://a.example.com": "", "https://u:p@a.example.com": "", "https://a.example.com?x=1": "", "https://a.example.com#x": "",
		"a.example.com": "", "": "", "https://": "",
	} {
		got, err := integration.BaseURL("server", text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if err != nil && (incident.KindOf(err) != incident.Invalid || !strings.Contains(err.Error(), "server: must be")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestASegmentLeadsNowhereElse(t *testing.T) {
	for text, ok := range map[string]bool{
		"shop": true, "a.b-c_D9": true, "...a": true,
		"": false, ".": false, "..": false, "...": false, "a/b": false, "a?b": false, "a#b": false, "a%2Fb": false, "a b": false, "ä": false,
		strings.Repeat("a", 256): false,
	} {
		if err := integration.Segment("name", text); (err == nil) != ok {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
