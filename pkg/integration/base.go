package integration

import (
	"net/url"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// BaseURL holds a setting to the address of a server: encrypted, and without a
// credential, a query or a fragment. It returns the address without a slash at its end.
func BaseURL(setting, text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !Encrypted(u) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", incident.BadField(setting, "must be the server's address, such as https://example.com, without user, query or fragment")
	}
	return strings.TrimRight(text, "/"), nil
}

// Segment holds a setting to a name that is one segment of a path: letters, digits and
// . _ - only, and neither . nor .., which would lead elsewhere.
func Segment(setting, text string) error {
	ok := text != "" && len(text) <= 255 && strings.Trim(text, ".") != ""
	for _, c := range []byte(text) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')
	}
	if !ok {
		return incident.BadField(setting, "must be a name of letters, digits, dots, hyphens and underscores")
	}
	return nil
}
