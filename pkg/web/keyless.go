package web

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Keyless mode trusts whoever is on this machine. A browser on it is not that
// person: any page it shows can make it send requests here. Nor is a tunnel or a
// proxy, whose callers all look like neighbours. The checks of this file tell
// them apart by what a page, a tunnel and a proxy cannot help sending.

// setKeys ends every refusal of keyless mode with the way out.
const setKeys = "; to serve others, set OPSGUARD_API_KEYS"

// fromThisMachine refuses what did not come straight from a program here that
// meant to talk to this machine.
func fromThisMachine(r *http.Request) error {
	if !loopback(r.RemoteAddr) {
		return incident.Fail(incident.Forbidden, incident.CodeForbidden, "without keys OpsGuard serves only programs on its own machine%s", setKeys)
	}
	// A name that an attacker's DNS points at 127.0.0.1 is still in the Host header.
	if !localHost(r.Host) {
		return incident.Fail(incident.Forbidden, incident.CodeForbidden, "without keys OpsGuard answers only to the host localhost, 127.0.0.1 or [::1]%s", setKeys)
	}
	for name := range r.Header {
		if sign := forwarding(name); sign != "" {
			return incident.Fail(incident.Forbidden, incident.CodeForbidden, "without keys OpsGuard takes nothing that a proxy or tunnel passed on (%s)%s", sign, setKeys)
		}
	}
	return nil
}

// meantHere refuses what a browser sends for another site's page, and what it
// fetches before anybody asked for it. It is for what being here is enough for;
// a link's token speaks for itself.
func meantHere(r *http.Request) error {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "same-origin", "none":
	default:
		return incident.Fail(incident.Forbidden, incident.CodeForbidden, "another site's page sent this; open the address yourself")
	}
	if origins := r.Header.Values("Origin"); len(origins) > 1 || len(origins) == 1 && origins[0] != "http://"+r.Host && origins[0] != "https://"+r.Host {
		return incident.Fail(incident.Forbidden, incident.CodeForbidden, "a page of another origin sent this; open the address yourself")
	}
	if referer := r.Header.Get("Referer"); referer != "" && !strings.HasPrefix(referer, "http://"+r.Host+"/") && !strings.HasPrefix(referer, "https://"+r.Host+"/") {
		return incident.Fail(incident.Forbidden, incident.CodeForbidden, "a page elsewhere led here; open the address yourself")
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"} {
		if v := strings.ToLower(r.Header.Get(name)); strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return incident.Fail(incident.Forbidden, incident.CodeForbidden, "a browser fetched this before anybody opened it; open the address yourself")
		}
	}
	return nil
}

func loopback(remoteAddr string) bool {
	at, err := netip.ParseAddrPort(remoteAddr)
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// localHost reports whether a Host header, its port aside, names this machine in
// one of the three ways that no DNS can change.
func localHost(host string) bool {
	name := host
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name = host[:i]
		if port := host[i+1:]; strings.Trim(port, "0123456789") != "" {
			return false
		}
	}
	return strings.EqualFold(name, "localhost") || name == "127.0.0.1" || name == "[::1]"
}

// forwardingNames are headers by which proxies, tunnels and content networks usually
// tell that they passed a request on, in canonical spelling; forwardingPrefixes are
// what families of them begin with. A proxy that adds none of them, and puts
// localhost into Host, is not told from a program here. SECURITY.md lists both.
var forwardingNames = map[string]bool{
	"Forwarded": true, "Via": true, "X-Forwarded": true, "X-Client-Ip": true, "X-Cluster-Client-Ip": true, "True-Client-Ip": true,
	"Client-Ip": true, "Proxy-Client-Ip": true, "Wl-Proxy-Client-Ip": true, "X-Remote-Ip": true, "X-Remote-Addr": true,
	"X-Rewrite-Url": true, "Cdn-Loop": true, "X-Amz-Cf-Id": true,
}

var forwardingPrefixes = []string{
	"X-Forwarded-", "X-Original-", "X-Real-", "X-Envoy-", "X-Proxy", "X-Amzn-", "X-Azure-", "X-Appengine-", "X-Vercel-", "X-Akamai-",
	"Akamai-", "Cf-", "Fastly-", "Fly-", "Ngrok-", "Tailscale-",
}

// forwarding tells which of them a header is: the name, or what it begins with and
// *, since the rest is the caller's own text. "" if it is none.
func forwarding(name string) string {
	if forwardingNames[name] {
		return name
	}
	for _, prefix := range forwardingPrefixes {
		if strings.HasPrefix(name, prefix) {
			return prefix + "*"
		}
	}
	return ""
}
