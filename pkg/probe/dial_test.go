package probe_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/opsguard/opsguard/pkg/probe"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func well(more ...probe.Finding) []probe.Finding {
	return append(append([]probe.Finding{{Check: "reachable", Healthy: true, Detail: "it answers"}}, more...), fast())
}

func TestTCPIsReachableOrNot(t *testing.T) {
	l := listen(t)
	p := prober(t, &http.Transport{}, stopped)
	same(t, "open", well(), p.Probe(context.Background(), service("tcp://"+l.Addr().String())))
	l.Close()
	same(t, "closed", []probe.Finding{{Check: "reachable", Detail: "it refuses the connection"}}, p.Probe(context.Background(), service("tcp://"+l.Addr().String())))
}

// The server is gRPC's own.
func TestGRPCServicesSayWhetherTheyServe(t *testing.T) {
	l := listen(t)
	states := health.NewServer()
	states.SetServingStatus("up", healthpb.HealthCheckResponse_SERVING)
	states.SetServingStatus("down", healthpb.HealthCheckResponse_NOT_SERVING)
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, states)
	go server.Serve(l)
	t.Cleanup(server.Stop)
	bare := grpc.NewServer()
	other := listen(t)
	go bare.Serve(other)
	t.Cleanup(bare.Stop)
	p := prober(t, &http.Transport{}, stopped)
	for address, want := range map[string]probe.Finding{
		l.Addr().String():           {Check: "status", Healthy: true, Detail: "it says that it serves"},
		l.Addr().String() + "/up":   {Check: "status", Healthy: true, Detail: "it says that it serves"},
		l.Addr().String() + "/down": {Check: "status", Detail: "it says that it does not serve"},
		l.Addr().String() + "/none": {Check: "status", Detail: "its gRPC health service does not know the service that health.url names"},
		other.Addr().String():       {Check: "status", Detail: "it has no gRPC health service (grpc.health.v1.Health)"},
	} {
		same(t, address, well(want), p.Probe(context.Background(), service("grpc://"+address)))
	}
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })
	got := p.Probe(context.Background(), service("grpc"+strings.TrimPrefix(page.URL, "http")))
	same(t, "HTTP/1", []probe.Finding{{Check: "reachable", Detail: "it gave no valid HTTP answer"}}, got)
}

func TestGRPCOverTLSIsHeldToItsCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		w.Write([]byte{0, 0, 0, 0, 2, 8, 1})
		w.Header().Set("Grpc-Status", "0")
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	url := "grpcs" + strings.TrimPrefix(srv.URL, "https")
	trusting := srv.Client().Transport.(*http.Transport)
	config := &tls.Config{RootCAs: trusting.TLSClientConfig.RootCAs}
	got := prober(t, &http.Transport{TLSClientConfig: config}, stopped).Probe(context.Background(), service(url))
	if len(got) != 4 || !got[1].Healthy || got[3].Check != "certificate" || !got[3].Healthy {
		t.Errorf("trusted: %+v", got)
	}
	got = prober(t, &http.Transport{}, stopped).Probe(context.Background(), service(url))
	if len(got) != 2 || got[1].Check != "certificate" || got[1].Healthy {
		t.Errorf("not trusted: %+v", got)
	}
}

func TestTheBodyHoldsWhatItMust(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"status": "UP"}`) })
	for want, healthy := range map[string]bool{`"UP"`: true, `"DOWN"`: false} {
		svc := service(srv.URL)
		svc.Health.Body = want
		got := prober(t, srv.Client().Transport, stopped).Probe(context.Background(), svc)
		if len(got) != 4 || got[3].Check != "body" || got[3].Healthy != healthy || strings.Contains(got[3].Detail, "UP") {
			t.Errorf("%s: %+v", want, got)
		}
	}
}
