package sns

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Bounds of what a message can make us fetch: anybody can name a certificate.
const (
	maxFetched   = 64 << 10 // bytes of one answer
	maxIssuers   = 3        // certificates between the signing one and an authority that is trusted
	maxKept      = 16       // signing certificates
	maxPerMinute = 20       // signing certificates that are fetched
)

// certificates keeps the signing certificates that were verified, by address. SNS uses
// one for months.
type certificates struct {
	env integration.Env

	mu      sync.Mutex
	kept    map[string]*x509.Certificate
	fetched []time.Time // within the last minute
}

// key returns the public key of the certificate at that address, which must be SNS's.
func (c *certificates) key(ctx context.Context, address string, h home) (*rsa.PublicKey, error) {
	cert, err := c.certificate(ctx, address, h)
	if err != nil {
		return nil, err
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, ErrCertificate
	}
	return key, nil
}

func (c *certificates) certificate(ctx context.Context, address string, h home) (*x509.Certificate, error) {
	now := c.env.Now()
	c.mu.Lock()
	cert := c.kept[address]
	if cert != nil && now.After(cert.NotAfter) {
		cert = nil
	}
	c.fetched = slices.DeleteFunc(c.fetched, func(at time.Time) bool { return now.Sub(at) >= time.Minute })
	full := len(c.fetched) >= maxPerMinute
	if cert == nil && !full {
		c.fetched = append(c.fetched, now)
	}
	c.mu.Unlock()
	if cert != nil {
		return cert, nil
	}
	if full {
		return nil, incident.Unavail(fmt.Sprintf("SNS's signing certificates were fetched %d times within a minute, the most", maxPerMinute), nil)
	}
	cert, err := c.fetch(ctx, address, h)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= maxKept {
		c.kept = map[string]*x509.Certificate{}
	}
	c.kept[address] = cert
	return cert, nil
}

// fetch gets a signing certificate and verifies that it is SNS's.
func (c *certificates) fetch(ctx context.Context, address string, h home) (*x509.Certificate, error) {
	text, err := fetch(ctx, c.env, "SNS, for its signing certificate,", address)
	if err != nil {
		return nil, err
	}
	chain := parse(text)
	if len(chain) == 0 || !slices.ContainsFunc(h.names, func(name string) bool { return chain[0].VerifyHostname(name) == nil }) {
		return nil, ErrCertificate
	}
	return chain[0], c.verify(ctx, chain[0], chain[1:])
}

// verify holds a certificate to the authorities that are trusted. SNS's file has the
// certificate alone, so those between are fetched from where each says.
func (c *certificates) verify(ctx context.Context, cert *x509.Certificate, between []*x509.Certificate) error {
	pool, last := x509.NewCertPool(), cert
	for _, one := range between {
		pool.AddCert(one)
		last = one
	}
	for fetched := 0; ; fetched++ {
		_, err := cert.Verify(x509.VerifyOptions{
			Roots: c.env.Roots, Intermediates: pool, CurrentTime: c.env.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err == nil {
			return nil
		}
		var unknown x509.UnknownAuthorityError
		if !errors.As(err, &unknown) || fetched == maxIssuers || len(last.IssuingCertificateURL) == 0 {
			return ErrCertificate
		}
		address, ok := issuer(last.IssuingCertificateURL[0])
		if !ok {
			return ErrCertificate
		}
		text, err := fetch(ctx, c.env, "the authority of SNS's signing certificate", address)
		if err != nil {
			return err
		}
		above := parse(text)
		if len(above) == 0 {
			return ErrCertificate
		}
		last = above[0]
		pool.AddCert(last)
	}
}

// parse reads certificates in PEM, or one in DER. What cannot be read is left out.
func parse(text []byte) []*x509.Certificate {
	if cert, err := x509.ParseCertificate(text); err == nil {
		return []*x509.Certificate{cert}
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil && len(all) <= maxIssuers; block, rest = pem.Decode(rest) {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			all = append(all, cert)
		}
	}
	return all
}

// fetch gets an address that was checked. Errors are incident.Unavailable where it may
// work later; they do not show the address, which may hold a token.
func fetch(ctx context.Context, env integration.Env, whom, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, ErrCertificate
	}
	req.Header.Set("User-Agent", "OpsGuard/"+env.Version)
	resp, err := env.Outside.Do(req)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, incident.Unavail(whom+" could not be reached", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxFetched))
	switch {
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests, err != nil:
		return nil, incident.Unavail(fmt.Sprintf("%s answered %d", whom, resp.StatusCode), err)
	case resp.StatusCode != http.StatusOK:
		return nil, incident.Bad("%s answered %d", whom, resp.StatusCode)
	}
	return text, nil
}
