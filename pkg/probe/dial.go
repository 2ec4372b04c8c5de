package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// probing is a probe within limited; ctx is the caller's own.
type probing func(ctx, limited context.Context, maxLatency time.Duration) []Finding

// otherThanHTTP returns the probe for tcp://, grpc:// and grpcs://.
func (p *Prober) otherThanHTTP(address string) (probing, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, false
	}
	var look func(ctx context.Context, u *url.URL) (*Finding, *tls.ConnectionState, error)
	switch u.Scheme {
	case "tcp":
		look = connect
	case "grpc", "grpcs":
		look = p.grpc
	default:
		return nil, false
	}
	return func(ctx, limited context.Context, maxLatency time.Duration) []Finding {
		begin := p.now()
		serving, secured, err := look(limited, u)
		took := p.now().Sub(begin)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return p.failed(err, u.Hostname())
		}
		findings := []Finding{{Check: Reachable, Healthy: true, Detail: "it answers"}}
		if serving != nil {
			findings = append(findings, *serving)
		}
		findings = append(findings, latency(took, maxLatency))
		if secured != nil && len(secured.PeerCertificates) > 0 {
			findings = append(findings, p.validity(secured.PeerCertificates[0]))
		}
		return findings
	}, true
}

// connect opens a connection and closes it.
func connect(ctx context.Context, u *url.URL) (*Finding, *tls.ConnectionState, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, nil, err
	}
	return nil, nil, conn.Close()
}

// grpc calls grpc.health.v1.Health/Check, one call over HTTP/2. The whole client of gRPC
// would cost every start of a function more than the call takes.
func (p *Prober) grpc(ctx context.Context, u *url.URL) (*Finding, *tls.ConnectionState, error) {
	transport := &http.Transport{Protocols: new(http.Protocols), Proxy: nil, DisableKeepAlives: true}
	if given, ok := p.client.Transport.(*http.Transport); ok && given.TLSClientConfig != nil {
		transport.TLSClientConfig = given.TLSClientConfig.Clone()
	}
	defer transport.CloseIdleConnections()
	transport.Protocols.SetUnencryptedHTTP2(u.Scheme == "grpc")
	transport.Protocols.SetHTTP2(u.Scheme == "grpcs")
	scheme := strings.Replace(u.Scheme, "grpc", "http", 1)
	service := strings.TrimPrefix(u.Path, "/")
	message := []byte{}
	if service != "" { // HealthCheckRequest: field 1, the service's name
		message = append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(service))), service...)
	}
	frame := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+"://"+u.Host+"/grpc.health.v1.Health/Check", bytes.NewReader(frame))
	if err != nil {
		return nil, nil, err
	}
	req.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "User-Agent": {p.userAgent}}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, nil, err
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/grpc") {
		return nil, nil, errors.New("no gRPC") // is worded as no valid answer
	}
	said := resp.Trailer.Get("Grpc-Status")
	if said == "" {
		said = resp.Header.Get("Grpc-Status") // an answer of trailers only
	}
	finding := serving(said, answer)
	return &finding, resp.TLS, nil
}

// serving judges the status of the call and HealthCheckResponse, whose field 1 is
// 1 for SERVING.
func serving(status string, answer []byte) Finding {
	switch {
	case status == "5":
		return Finding{Check: Status, Detail: "its gRPC health service does not know the service that health.url names"}
	case status == "12":
		return Finding{Check: Status, Detail: "it has no gRPC health service (grpc.health.v1.Health)"}
	case status != "0":
		return Finding{Check: Status, Detail: "its gRPC health service answered with an error"}
	case len(answer) == 7 && answer[0] == 0 && bytes.Equal(answer[5:], []byte{1 << 3, 1}):
		return Finding{Check: Status, Healthy: true, Detail: "it says that it serves"}
	}
	return Finding{Check: Status, Detail: "it says that it does not serve"}
}
