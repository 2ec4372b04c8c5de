package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

// failed words a call that brought no answer. A service whose certificate was
// refused did answer: then that is the finding.
func (p *Prober) failed(err error, host string) []Finding {
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) {
		return []Finding{
			{Check: Reachable, Healthy: true, Detail: "it answers"},
			{Check: Certificate, Detail: p.refusal(refused, host)},
		}
	}
	return []Finding{{Check: Reachable, Detail: reason(err)}}
}

// reason picks one of our sentences. The error's own text stays out: it holds the
// address, and may hold what the other side sent.
func reason(err error) string {
	var (
		dns    *net.DNSError
		record tls.RecordHeaderError
		op     *net.OpError
		netErr net.Error
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "its name does not resolve"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return "it does not answer in time"
	case errors.As(err, &dns):
		return "its name could not be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses the connection"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it broke off the connection"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to it"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &op) && op.Op == "remote error": // what crypto/tls calls an alert from the other side
		return "the TLS handshake failed"
	}
	return "it gave no valid HTTP answer"
}

// refusal says why a certificate did not verify.
func (p *Prober) refusal(err *tls.CertificateVerificationError, host string) string {
	var (
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &name):
		return "the certificate is not for the name " + host
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return outOfTime(invalid.Cert, p.now())
	case errors.As(err, &authority):
		return "the certificate is signed by an authority that is not trusted"
	}
	return "the certificate does not verify"
}

// outOfTime tells apart the two that x509 calls expired.
func outOfTime(cert *x509.Certificate, now time.Time) string {
	switch {
	case cert == nil:
		return "the certificate is outside its time of validity"
	case now.Before(cert.NotBefore):
		return "the certificate is not valid before " + cert.NotBefore.UTC().Format(time.DateOnly)
	}
	return "the certificate expired on " + cert.NotAfter.UTC().Format(time.DateOnly)
}
