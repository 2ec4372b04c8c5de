package integration

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Time limits of one call. A step must never wait for its whole Lambda timeout
// on an outside system.
const (
	CallTimeout = 10 * time.Second
	dialTimeout = 3 * time.Second
)

// NewHTTP makes Env.HTTP on a transport, usually http.DefaultTransport. It
// follows no redirect: one would carry a message, or a credential, to a host
// that nobody configured.
func NewHTTP(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, Timeout: CallTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ErrPrivateAddress is the error of a call to an address that came from outside
// and leads to a private, loopback or otherwise special network.
var ErrPrivateAddress = errors.New("the address is not a public one")

// NewOutside makes Env.Outside. The check is made on the address that is
// connected to, after the name was looked up, so that a name cannot be made to
// point inside in between. No proxy is used: it would connect unchecked.
func NewOutside() *http.Client {
	dialer := net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !public(to.Addr().Unmap()) {
			return ErrPrivateAddress
		}
		return nil
	}}
	return NewHTTP(&http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: CallTimeout,
		ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
	})
}

// Encrypted reports whether nobody on the way can read a call to u: it is https, or
// plain http on the loopback interface, where tests play the vendor.
func Encrypted(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// special are networks that IsPrivate and the like do not cover, by IANA's
// special-purpose address registries (RFC 6890 and its updates).
func special() []string {
	return []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	}
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, network := range special() {
		if netip.MustParsePrefix(network).Contains(a) {
			return false
		}
	}
	return true
}
