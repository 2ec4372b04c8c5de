package inventory

import (
	"net/url"
	"strings"
)

const (
	maxBodyText  = 256 // bytes
	maxThreshold = 100 // rounds
)

func (r *reader) health(f field) *Health {
	h := &Health{}
	fields, ok := r.known(f.node, f.path, "url", "maxLatency", "body", "failureThreshold", "successThreshold")
	if !ok {
		return h
	}
	if u, found := fields["url"]; !found {
		r.at(f.key, f.path, "has no url; give the address that answers when the service is well")
	} else if text, ok := r.text(u.node, u.path); ok {
		if why := badHealthURL(text); why != "" {
			r.at(u.node, u.path, "%s", why)
		} else {
			r.noSecret(u.node, u.path)
		}
		h.URL = text
	}
	if d, found := fields["maxLatency"]; found {
		h.MaxLatency, _ = r.duration(d.node, d.path, minLatency, MaxLatencyLimit, minLatency)
	}
	if b, found := fields["body"]; found {
		h.Body, ok = r.text(b.node, b.path)
		if ok && (h.Body == "" || len(h.Body) > maxBodyText) {
			r.at(b.node, b.path, "must be 1 to %d bytes that the answer holds", maxBodyText)
		}
		if ok && !strings.HasPrefix(h.URL, "http") {
			r.at(b.node, b.path, "is only for a url that begins with http:// or https://")
		}
	}
	if n, found := fields["failureThreshold"]; found {
		h.FailureThreshold, _ = r.integer(n.node, n.path, 1, maxThreshold)
	}
	if n, found := fields["successThreshold"]; found {
		h.SuccessThreshold, _ = r.integer(n.node, n.path, 1, maxThreshold)
	}
	return h
}

// badHealthURL takes also tcp://HOST:PORT, and grpc://HOST:PORT/SERVICE with or without TLS.
func badHealthURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "tcp" && u.Scheme != "grpc" && u.Scheme != "grpcs" {
		if why := badURL(text); !strings.HasPrefix(why, "must begin") {
			return why
		}
		return "must begin with http:// or https://, or with tcp://, grpc:// or grpcs://"
	}
	service := strings.TrimPrefix(u.Path, "/")
	switch {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(text) > maxURL:
		return "must be an address without credentials, query and fragment"
	case u.Hostname() == "" || u.Port() == "":
		return "must name a host and a port"
	case u.Scheme == "tcp" && service != "", service != "" && !isMadeOf(service, 255, "._-"):
		return "may have a path only for grpc, and then it is the name of a service"
	}
	return ""
}
