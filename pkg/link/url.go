package link

import (
	"fmt"
	"net/url"
	"strings"
)

// PublicURL is where people reach the HTTP front: OPSGUARD_PUBLIC_URL, which may
// end in a path that the front itself does not see (an API Gateway's stage).
type PublicURL struct{ base, prefix string }

// ParsePublicURL reads an absolute http or https URL without query, fragment or
// user. A trailing slash is dropped.
func ParsePublicURL(text string) (PublicURL, error) {
	const want = "OPSGUARD_PUBLIC_URL: must be like http://localhost:3000 or https://api.example.com/prod: "
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return PublicURL{}, fmt.Errorf("%snot a URL", want)
	case u.User != nil: // first, so that no later message shows a password
		return PublicURL{}, fmt.Errorf("%sit must not hold a user or password", want)
	case u.Scheme != "http" && u.Scheme != "https":
		return PublicURL{}, fmt.Errorf("%sthe scheme must be http or https", want)
	case u.Hostname() == "":
		return PublicURL{}, fmt.Errorf("%sthe host is missing", want)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return PublicURL{}, fmt.Errorf("%sit must not hold ? or #", want)
	}
	prefix := strings.TrimRight(u.EscapedPath(), "/")
	return PublicURL{base: u.Scheme + "://" + u.Host + prefix, prefix: prefix}, nil
}

// String is the URL without a trailing slash.
func (p PublicURL) String() string { return p.base }

// IsZero reports whether it was never parsed.
func (p PublicURL) IsZero() bool { return p.base == "" }

// Path is the path, as a browser sees it, of one of the front's own paths.
func (p PublicURL) Path(own string) string { return p.prefix + own }

// Incident is where an incident is read.
func (p PublicURL) Incident(id string) string { return p.base + "/incidents/" + url.PathEscape(id) }

// Decide is where a token's action is taken, after the page that asks again.
func (p PublicURL) Decide(c Claims, token string) string { return p.base + DecidePath(c, token) }

// DecidePath is the front's own path of a decision link, with its query.
func DecidePath(c Claims, token string) string {
	return "/approve-fix?incidentId=" + url.QueryEscape(c.Ref.ID) +
		"&action=" + url.QueryEscape(string(c.Action)) + "&t=" + url.QueryEscape(token)
}
