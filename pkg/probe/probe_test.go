package probe_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/probe"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// stopped is a clock that stands still, so that every answer is as fast as can be.
func stopped() time.Time { return time.Date(2026, 11, 2, 14, 5, 0, 0, time.UTC) }

func service(url string) inventory.Service {
	return inventory.Service{Name: "a", Health: &inventory.Health{URL: url}}
}

// prober returns what hourly-health-check asks for.
func prober(t *testing.T, transport http.RoundTripper, now func() time.Time) steps.Prober {
	t.Helper()
	env := stepstest.Env(nil)
	env.HTTP, env.Now = integration.NewHTTP(transport), now
	p, err := probe.Open(env)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return srv
}

// roundTrip is a transport that calls nobody.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func same(t *testing.T, name string, want, got []probe.Finding) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: findings differ (-want +got):\n%s", name, diff)
	}
}

func answers(status, latency probe.Finding) []probe.Finding {
	return []probe.Finding{{Check: "reachable", Healthy: true, Detail: "it answers"}, status, latency}
}

func fast() probe.Finding {
	return probe.Finding{Check: "latency", Healthy: true, Detail: "it answered within 2s"}
}

func status(healthy bool, detail string) probe.Finding {
	return probe.Finding{Check: "status", Healthy: healthy, Detail: "it answered with status " + detail}
}

func TestEveryCheckReportsSoThatRecoveryShows(t *testing.T) {
	var agent, method atomic.Value
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { agent.Store(r.UserAgent()); method.Store(r.Method) })
	same(t, "healthy", answers(status(true, "200"), fast()),
		prober(t, srv.Client().Transport, stopped).Probe(context.Background(), service(srv.URL+"/healthz")))
	if agent.Load() != "OpsGuard/test" || method.Load() != http.MethodGet {
		t.Errorf("called with %v by %v", method.Load(), agent.Load())
	}
}

func TestStatus(t *testing.T) {
	for code, want := range map[int]probe.Finding{
		204: status(true, "204"), 404: status(false, "404"), 500: status(false, "500"), 503: status(false, "503"),
		304: status(false, "304, a redirect that is not followed: only its own host counts, and at most 5 in a row"),
	} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		same(t, want.Detail, answers(want, fast()), prober(t, srv.Client().Transport, stopped).Probe(context.Background(), service(srv.URL)))
	}
}

func TestLatencyIsHeldAgainstTheServicesOwnLimit(t *testing.T) {
	const slow = "it answered, but slower than "
	tests := []struct {
		name        string
		limit, took time.Duration
		want        probe.Finding
	}{
		{"default, just in time", 0, 2 * time.Second, fast()},
		{"default, slow", 0, 2001 * time.Millisecond, probe.Finding{Check: "latency", Detail: slow + "2s: after 2.001s"}},
		{"own, in time", 5 * time.Second, 4 * time.Second, probe.Finding{Check: "latency", Healthy: true, Detail: "it answered within 5s"}},
		{"own, slow", 100 * time.Millisecond, time.Second, probe.Finding{Check: "latency", Detail: slow + "100ms: after 1s"}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			transport := roundTrip(func(*http.Request) (*http.Response, error) {
				time.Sleep(tt.took) // the bubble's clock moves at once
				return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
			})
			svc := service("http://a.example/")
			svc.Health.MaxLatency = tt.limit
			same(t, tt.name, answers(status(true, "200"), tt.want), prober(t, transport, time.Now).Probe(t.Context(), svc))
		})
	}
}

// hang answers only when the caller gives up.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestProbeEndsInTime(t *testing.T) {
	for _, tt := range []struct {
		name             string
		maxLatency, want time.Duration
	}{
		{"by the timeout", 0, 10 * time.Second},
		{"later for a service that may be that slow", 10 * time.Second, 11 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			svc := service("http://a.example/")
			svc.Health.MaxLatency = tt.maxLatency
			got := prober(t, roundTrip(hang), time.Now).Probe(t.Context(), svc)
			same(t, tt.name, []probe.Finding{{Check: "reachable", Detail: "it does not answer in time"}}, got)
			if took := time.Since(begin); took != tt.want {
				t.Errorf("%s: ended after %s; want %s", tt.name, took, tt.want)
			}
		})
	}
}

// drip is a body that never ends, or that never comes.
type drip struct {
	ctx  context.Context
	read *int
}

func (d drip) Close() error { return nil }

func (d drip) Read(b []byte) (int, error) {
	if d.ctx != nil {
		<-d.ctx.Done()
		return 0, d.ctx.Err()
	}
	*d.read += len(b)
	return len(b), nil
}

func TestBodyIsBoundedInLengthAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := 0
		endless := roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: drip{read: &read}}, nil
		})
		same(t, "endless", answers(status(true, "200"), fast()), prober(t, endless, time.Now).Probe(t.Context(), service("http://a.example/")))
		if read != 64*1024 {
			t.Errorf("read %d bytes of an endless body; want 64 KiB", read)
		}
		begin := time.Now()
		stuck := roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: drip{ctx: r.Context()}}, nil
		})
		same(t, "stuck", answers(status(true, "200"), fast()), prober(t, stuck, time.Now).Probe(t.Context(), service("http://a.example/")))
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("a stuck body took %s", took)
		}
	})
}

func TestProbeThatIsCalledOffHasSeenNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		cancel()
		return hang(r)
	})
	same(t, "called off", nil, prober(t, transport, stopped).Probe(ctx, service("http://a.example/")))
}

func TestServiceWithoutHealthURLIsNotCalled(t *testing.T) {
	transport := roundTrip(func(*http.Request) (*http.Response, error) { t.Error("called"); return nil, io.EOF })
	same(t, "no health", nil, prober(t, transport, stopped).Probe(context.Background(), inventory.Service{Name: "a"}))
}

func TestRedirectsStayOnTheHost(t *testing.T) {
	const notFollowed = ", a redirect that is not followed: only its own host counts, and at most 5 in a row"
	var elsewhere atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	tests := []struct {
		name, location string
		want           probe.Finding
	}{
		{"same host", "/well", status(true, "200")},
		{"same host, whole address", "http://%HOST%/well", status(true, "200")},
		{"another port", other.URL + "/well", status(false, "302"+notFollowed)},
		{"another host", "http://169.254.169.254/latest/meta-data/", status(false, "302"+notFollowed)},
		{"credentials", "http://a:b@%HOST%/well", status(false, "302"+notFollowed)},
		{"another scheme", "https://%HOST%/well", status(false, "302"+notFollowed)},
		{"loop", "/", status(false, "302"+notFollowed)},
	}
	for _, tt := range tests {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/well" {
				w.Header().Set("Location", strings.ReplaceAll(tt.location, "%HOST%", r.Host))
				w.WriteHeader(http.StatusFound)
			}
		})
		same(t, tt.name, answers(tt.want, fast()), prober(t, srv.Client().Transport, stopped).Probe(context.Background(), service(srv.URL+"/")))
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("the other host was called %d times", n)
	}
}

func TestUpgradeToHTTPSIsFollowedAndTheWayBackIsNot(t *testing.T) {
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		resp := &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}
		switch r.URL.String() {
		case "http://a.example/":
			resp.StatusCode, resp.Header = 301, http.Header{"Location": {"https://a.example/"}}
		case "https://b.example/":
			resp.StatusCode, resp.Header = 301, http.Header{"Location": {"http://b.example/"}}
		}
		return resp, nil
	})
	p := prober(t, transport, stopped)
	same(t, "upgrade", answers(status(true, "200"), fast()), p.Probe(context.Background(), service("http://a.example/")))
	if got := p.Probe(context.Background(), service("https://b.example/")); len(got) < 2 || got[1].Healthy {
		t.Errorf("a redirect from https to http was followed: %+v", got)
	}
}

func TestFailuresAreWordedWithoutTheirText(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	listener.Close()
	tests := []struct {
		name, want string
		url        string
		transport  http.RoundTripper
	}{
		{"refused", "it refuses the connection", closed, &http.Transport{}},
		{"no such name", "its name does not resolve", "http://a.example/", fails(&net.DNSError{Err: "no such host", Name: "a.example", IsNotFound: true})},
		{"lookup failed", "its name could not be looked up", "http://a.example/", fails(&net.DNSError{Err: "server misbehaving"})},
		{"lookup timed out", "it does not answer in time", "http://a.example/", fails(&net.DNSError{Err: "timeout", IsTimeout: true})},
		{"anything else", "it gave no valid HTTP answer", "http://a.example/", fails(errors.New("SECRET http://a:b@c/"))},
		{"bad URL", "the health URL is not valid", "http://a b/", fails(io.EOF)},
	}
	for _, tt := range tests {
		same(t, tt.name, []probe.Finding{{Check: "reachable", Detail: tt.want}},
			prober(t, tt.transport, stopped).Probe(context.Background(), service(tt.url)))
	}
}

func fails(err error) http.RoundTripper {
	return roundTrip(func(*http.Request) (*http.Response, error) { return nil, err })
}

func TestTheTimeoutHasBounds(t *testing.T) {
	for timeout, good := range map[time.Duration]bool{0: false, time.Second - 1: false, time.Second: true, time.Minute: true, time.Minute + 1: false} {
		if err := (probe.Settings{Timeout: timeout}).Validate(); (err == nil) != good {
			t.Errorf("%s: %v", timeout, err)
		}
	}
}
