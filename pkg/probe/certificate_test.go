package probe_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/probe"
)

// serveTLS serves with a certificate of its own making, valid from and until, for
// the names given, and returns a transport that trusts it.
func serveTLS(t *testing.T, from, until time.Time, ips ...net.IP) (url string, trusting *http.Transport) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: until,
		IPAddresses: ips, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused handshake is what some of these tests are about
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return srv.URL, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
}

func loopback() net.IP { return net.IPv4(127, 0, 0, 1) }

func TestCertificateThatVerifiesIsHeldAgainstTheClock(t *testing.T) {
	until := time.Date(2099, 5, 1, 12, 0, 0, 0, time.UTC)
	url, transport := serveTLS(t, time.Now().Add(-time.Hour), until, loopback())
	tests := []struct {
		name string
		left time.Duration
		want probe.Finding
	}{
		{"a year", 365 * 24 * time.Hour, probe.Finding{Check: "certificate", Healthy: true, Detail: "the certificate is valid until 2099-05-01"}},
		{"14 days", 14 * 24 * time.Hour, probe.Finding{Check: "certificate", Healthy: true, Detail: "the certificate is valid until 2099-05-01"}},
		{"a second less", 14*24*time.Hour - time.Second, probe.Finding{Check: "certificate", Detail: "the certificate expires in less than 14 days, on 2099-05-01"}},
		{"none", 0, probe.Finding{Check: "certificate", Detail: "the certificate expired on 2099-05-01"}},
	}
	for _, tt := range tests {
		now := func() time.Time { return until.Add(-tt.left) }
		same(t, tt.name, append(answers(status(true, "200"), fast()), tt.want), prober(t, transport, now).Probe(context.Background(), service(url)))
	}
}

func TestCertificateThatDoesNotVerifyIsTheFinding(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	expired, expiredTransport := serveTLS(t, now.Add(-10*day), now.Add(-5*day), loopback())
	early, earlyTransport := serveTLS(t, now.Add(5*day), now.Add(10*day), loopback())
	other, otherTransport := serveTLS(t, now.Add(-day), now.Add(90*day), net.IPv4(192, 0, 2, 1))
	unknown, _ := serveTLS(t, now.Add(-day), now.Add(90*day), loopback())
	tests := []struct {
		name, url string
		transport http.RoundTripper
		want      string
	}{
		{"expired", expired, expiredTransport, "the certificate expired on " + now.Add(-5*day).UTC().Format(time.DateOnly)},
		{"not yet valid", early, earlyTransport, "the certificate is not valid before " + now.Add(5*day).UTC().Format(time.DateOnly)},
		{"other name", other, otherTransport, "the certificate is not for the name 127.0.0.1"},
		{"unknown authority", unknown, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}, "the certificate is signed by an authority that is not trusted"},
	}
	for _, tt := range tests {
		same(t, tt.name, []probe.Finding{
			{Check: "reachable", Healthy: true, Detail: "it answers"},
			{Check: "certificate", Detail: tt.want},
		}, prober(t, tt.transport, time.Now).Probe(context.Background(), service(tt.url)))
	}
}

func TestHandshakeThatFails(t *testing.T) {
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	old, transport := serveTLS(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), loopback())
	transport.TLSClientConfig.MinVersion, transport.TLSClientConfig.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	for name, url := range map[string]string{"no TLS": "https://" + plain.Listener.Addr().String(), "no common version": old} {
		got := prober(t, transport, stopped).Probe(context.Background(), service(url))
		same(t, name, []probe.Finding{{Check: "reachable", Detail: "the TLS handshake failed"}}, got)
	}
}
