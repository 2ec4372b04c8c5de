package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/opsguard/opsguard/pkg/incident"
)

// MaxAlerts is how many alerts of one request are taken.
const MaxAlerts = 1000

// Name makes text that a sender chose fit to name a service: one line without control
// and invisible characters, at most incident.MaxService characters.
func Name(text string) string { return clean(text, incident.MaxService) }

// FirstName is the first of the texts that names a service, as Name makes it; "" if none
// does.
func FirstName(texts ...string) string {
	for _, text := range texts {
		if name := Name(text); name != "" {
			return name
		}
	}
	return ""
}

func clean(text string, most int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
		}
		if space = false; n >= most {
			break
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSuffix(b.String(), " ")
}

// hashed begins an identity that is a hash.
const hashed = "sha256:"

// Identity joins what makes two alerts of a sender the same trouble, with a slash
// between. Parts may hold anything, and different parts never give the same identity:
// a slash or a percent sign within a part is percent-encoded, and what is too long or
// holds what an identity may not is replaced by its hash.
func Identity(parts ...string) string {
	escape := strings.NewReplacer("%", "%25", "/", "%2F")
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = escape.Replace(p)
	}
	joined := strings.Join(escaped, "/")
	if joined != "" && !strings.HasPrefix(joined, hashed) && clean(joined, incident.MaxDedupKey) == joined {
		return joined
	}
	sum := sha256.New()
	for _, p := range parts {
		sum.Write([]byte(hex.EncodeToString([]byte(p)) + "/"))
	}
	return hashed + hex.EncodeToString(sum.Sum(nil))
}

// Link is the address if a person can follow it, else "": http or https, with a
// host, without credentials, at most incident.MaxLink bytes. What an address may hold
// only percent-encoded is encoded.
func Link(address string) string {
	address = strings.TrimSpace(address)
	if len(address) > incident.MaxLink {
		return "" // encoded it would not be shorter
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.RawQuery = encoded(u.RawQuery)
	if incident.CheckLink(u.String()) != nil {
		return ""
	}
	return u.String()
}

// encoded percent-encodes what net/url leaves in a query as it is.
func encoded(query string) string {
	var b strings.Builder
	for _, c := range []byte(query) {
		if c <= ' ' || c > '~' || strings.IndexByte("\"<>`{}|\\^", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Labels bounds the labels by which services.yaml finds the service of an alert.
func Labels(all map[string]string) map[string]string {
	kept := map[string]string{}
	for _, name := range sortedKeys(all) {
		if n, v := LabelName(name), clean(all[name], incident.MaxLabel); len(kept) < MaxLabels && n != "" && v != "" {
			kept[n] = v
		}
	}
	return kept
}

// LabelName is a label's name as Labels keeps it.
func LabelName(name string) string { return clean(name, incident.MaxLabelName) }

// Severity is the severity that the first of the words means, or otherwise: what a
// sender that says nothing readable is taken for.
func Severity(otherwise incident.Severity, words ...string) incident.Severity {
	for _, word := range words {
		if s, ok := incident.SeverityOf(word); ok {
			return s
		}
	}
	return otherwise
}

// FirstLink is the first address that a person can follow, else "".
func FirstLink(addresses ...string) string {
	for _, address := range addresses {
		if link := Link(address); link != "" {
			return link
		}
	}
	return ""
}

// maxCount is the most digits of a number that is shown to people.
const maxCount = 20

// Truncated is how many alerts of a group its sender left out, "" if none: each alert of
// the group says so.
func Truncated(count Value) string {
	n := incident.Cut(count.Written(), maxCount)
	if strings.Trim(n, "0.") == "" {
		return ""
	}
	return n
}

// Expression is the query in a link to Prometheus' graph page, "" if it is another link.
func Expression(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Query().Get("g0.expr")
}
