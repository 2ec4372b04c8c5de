// Package probe looks at a service from outside, over HTTP, TCP or gRPC: does it answer,
// with which status, how fast, and is its certificate still good. Start reading at
// Prober.Probe.
//
// It follows no redirect to another host, reads little of the body and keeps
// none, and words every finding itself: no text of the service's answer and no
// address gets into an alert.
package probe

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Limits of one probe.
const (
	DefaultMaxLatency = 2 * time.Second     // for a service that sets no maxLatency
	CertificateNotice = 14 * 24 * time.Hour // a certificate with less left is unhealthy

	minTimeout   = time.Second
	maxTimeout   = time.Minute // the hourly health check is one Lambda of a few minutes
	maxBody      = 64 * 1024   // bytes that are read before the connection is closed
	maxRedirects = 5
)

// The checks, each of which is one Finding.
const (
	Reachable   = "reachable"
	Status      = "status"
	Latency     = "latency"
	Certificate = "certificate"
	Body        = "body"
)

// Finding is the result of one check, good or bad.
type Finding = steps.Finding

// Settings are what may be said of the prober.
type Settings struct {
	// Timeout is for one probe, redirects included; 1 s to 1 min. A service whose
	// maxLatency comes near it gets maxLatency and a second, so that "slow" and
	// "does not answer" stay apart.
	Timeout time.Duration `setting:"timeout" default:"10s" help:"how long one probe may take, redirects included; 1s to 1m"`
}

// Validate holds the timeout to its bounds.
func (s Settings) Validate() error {
	if s.Timeout < minTimeout || s.Timeout > maxTimeout {
		return incident.BadField("timeout", "is %s; give %s to %s", s.Timeout, minTimeout, maxTimeout)
	}
	return nil
}

// List is every prober that is built in.
func List() []integration.Descriptor[steps.Prober] {
	return []integration.Descriptor[steps.Prober]{
		integration.New("http", "looks at a service's health URL: does it answer, with which status, how fast, with which certificate", open),
	}
}

// Open opens the one prober that looks at every service's health URL.
func Open(env integration.Env) (steps.Prober, error) {
	opened, err := integration.Open(env, integration.Probes, List(), []integration.Entry{{Name: "http", Type: "http"}})
	if err != nil {
		return nil, err
	}
	return opened[0].It, nil
}

func open(env integration.Env, s Settings) (steps.Prober, error) { return New(env, s), nil }

// Prober probes services. It may be used concurrently.
type Prober struct {
	client    *http.Client
	timeout   time.Duration
	now       func() time.Time
	userAgent string
}

// New makes a prober on the transport of env's client: it says which certificates
// are trusted and whether a proxy is used. Connections are not kept.
func New(env integration.Env, s Settings) *Prober {
	client := &http.Client{Transport: env.HTTP.Transport, CheckRedirect: stayOnHost}
	return &Prober{client, s.Timeout, env.Now, "OpsGuard/" + env.Version}
}

// Probe makes one call and reports each check that could be made, healthy ones
// too, so that recovery shows. A service that does not answer has the finding
// "reachable" only; one without TLS has none on its certificate. It returns
// nothing for a service without a health URL, nor when ctx ends first: a probe
// that was called off has seen nothing.
func (p *Prober) Probe(ctx context.Context, svc inventory.Service) []Finding {
	if svc.Health == nil {
		return nil
	}
	maxLatency := svc.Health.MaxLatency
	if maxLatency == 0 {
		maxLatency = DefaultMaxLatency
	}
	limited, cancel := context.WithTimeout(ctx, max(p.timeout, maxLatency+time.Second))
	defer cancel()
	if probe, other := p.otherThanHTTP(svc.Health.URL); other {
		return probe(ctx, limited, maxLatency)
	}
	req, err := http.NewRequestWithContext(limited, http.MethodGet, svc.Health.URL, nil)
	if err != nil { // the inventory has checked the URL; this is for one made by hand
		return []Finding{{Check: Reachable, Detail: "the health URL is not valid"}}
	}
	req.Header.Set("User-Agent", p.userAgent)
	req.Close = true

	begin := p.now()
	resp, err := p.client.Do(req)
	took := p.now().Sub(begin)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			resp.Body.Close()
		}
		return nil
	case err != nil:
		return p.failed(err, req.URL.Hostname())
	}
	defer resp.Body.Close()
	// How reading it ends does not matter. What the body says does where services.yaml asks.
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))

	findings := []Finding{{Check: Reachable, Healthy: true, Detail: "it answers"}, status(resp), latency(took, maxLatency)}
	if svc.Health.Body != "" {
		findings = append(findings, body(bytes.Contains(said, []byte(svc.Health.Body))))
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		findings = append(findings, p.validity(resp.TLS.PeerCertificates[0]))
	}
	return findings
}

func status(resp *http.Response) Finding {
	f := Finding{Check: Status, Healthy: resp.StatusCode >= 200 && resp.StatusCode < 300,
		Detail: fmt.Sprintf("it answered with status %d", resp.StatusCode)}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		f.Detail += ", a redirect that is not followed: only its own host counts, and at most 5 in a row"
	}
	return f
}

// body repeats neither the answer nor what it must hold.
func body(holds bool) Finding {
	if !holds {
		return Finding{Check: Body, Detail: "its answer does not hold what health.body says"}
	}
	return Finding{Check: Body, Healthy: true, Detail: "its answer holds what health.body says"}
}

func latency(took, limit time.Duration) Finding {
	f := Finding{Check: Latency, Healthy: took <= limit, Detail: fmt.Sprintf("it answered within %s", limit)}
	if !f.Healthy {
		f.Detail = fmt.Sprintf("it answered, but slower than %s: after %s", limit, took.Round(time.Millisecond))
	}
	return f
}

// validity judges a certificate that verified; by the Prober's own clock, so that
// what is about to expire shows in time.
func (p *Prober) validity(leaf *x509.Certificate) Finding {
	until := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch left := leaf.NotAfter.Sub(p.now()); {
	case left <= 0:
		return Finding{Check: Certificate, Detail: "the certificate expired on " + until}
	case left < CertificateNotice:
		return Finding{Check: Certificate, Detail: "the certificate expires in less than 14 days, on " + until}
	}
	return Finding{Check: Certificate, Healthy: true, Detail: "the certificate is valid until " + until}
}

// stayOnHost lets a redirect pass that stays on the same host and port, or that
// goes from http to https there. Anything else ends with the redirect itself as
// the answer: a service must not choose by its answers what OpsGuard calls next.
func stayOnHost(next *http.Request, before []*http.Request) error {
	last := before[len(before)-1]
	same := next.URL.Scheme == last.URL.Scheme && next.URL.Host == last.URL.Host
	upgrade := last.URL.Scheme == "http" && next.URL.Scheme == "https" && next.URL.Hostname() == last.URL.Hostname() &&
		last.URL.Port() == "" && next.URL.Port() == ""
	if len(before) > maxRedirects || next.URL.User != nil || !same && !upgrade {
		return http.ErrUseLastResponse
	}
	return nil
}
