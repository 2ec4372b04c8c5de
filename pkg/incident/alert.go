package incident

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of an alert's fields.
const (
	MaxService   = 128        // characters
	MaxErrorLogs = 200 * 1024 // bytes
	MaxDedupKey  = 256        // characters; also of an identity
	MaxLink      = 2048       // bytes
	MaxLabelName = 128        // characters
	MaxLabel     = 512        // characters of a label's value
)

// Alert is one report that something is wrong (or, with Recovered, right again),
// in OpsGuard's own words for every sender.
type Alert struct {
	Tenant    string
	Source    string // who sent it: "api", "health-check", later a vendor's name
	Service   string // the service; a key of services.yaml, or unknown
	ErrorLogs string
	Severity  Severity
	Timestamp time.Time // when it happened, as the sender says; zero if it does not
	DedupKey  string    // what makes two alerts of a service the same trouble; empty: the first error line does
	// Identity is what the sender itself calls the trouble, such as the fingerprint of
	// Alertmanager. It counts in place of service and DedupKey, so that a recovery finds
	// its incident whatever services.yaml says by then.
	Identity string
	Link     string // where the sender shows it; http or https, "" if nowhere
	// Labels are what services.yaml finds the service by. They are not kept.
	Labels    map[string]string
	Recovered bool // the trouble that this fingerprint opened is over
}

// Validate reports the first field that is wrong, as Invalid. Severity must
// already be one of the four.
func (a Alert) Validate() error {
	if err := checkText("service", a.Service, MaxService, true); err != nil {
		return err
	}
	if err := checkText("dedupKey", a.DedupKey, MaxDedupKey, false); err != nil {
		return err
	}
	if err := checkText("identity", a.Identity, MaxDedupKey, false); err != nil {
		return err
	}
	if a.Link != "" {
		if err := CheckLink(a.Link); err != nil {
			return err
		}
	}
	switch {
	case a.Recovered:
	case strings.TrimSpace(a.ErrorLogs) == "":
		return BadField("errorLogs", "is empty; send the error lines, at least 1 byte")
	case len(a.ErrorLogs) > MaxErrorLogs:
		return BadField("errorLogs", "is %d bytes; send at most %d (200 KiB): the last lines before the failure are the useful ones", len(a.ErrorLogs), MaxErrorLogs)
	case !utf8.ValidString(a.ErrorLogs):
		return BadField("errorLogs", "is not valid UTF-8")
	}
	if _, err := ParseSeverity(string(a.Severity)); err != nil {
		return err
	}
	return nil
}

// hostLetters are the characters of a host. net/url takes more of them, such as quotes and
// angle brackets, and writes them again as they are.
const hostLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%"

// CheckLink holds an address to what a person can follow without harm: http or https,
// a host, no credentials, printable ASCII, at most MaxLink bytes.
func CheckLink(address string) error {
	u, err := url.Parse(address)
	switch {
	case len(address) > MaxLink:
		return BadField("link", "has %d bytes; send at most %d", len(address), MaxLink)
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return BadField("link", "must be an address that begins with http:// or https://")
	case u.User != nil:
		return BadField("link", "holds credentials; send the address without")
	case strings.Trim(u.Host, hostLetters) != "":
		return BadField("link", "has a host with other characters than letters, digits and .-_:[]")
	}
	for _, r := range address {
		if r <= ' ' || r > '~' {
			return BadField("link", "holds the character %U; send it percent-encoded", r)
		}
	}
	return nil
}

// checkText holds a one-line field: valid UTF-8, no control or invisible
// formatting characters, no surrounding space, at most limit characters.
func checkText(field, s string, limit int, required bool) error {
	switch {
	case s == "" && required:
		return BadField(field, "is empty; send 1 to %d characters", limit)
	case !utf8.ValidString(s):
		return BadField(field, "is not valid UTF-8")
	case utf8.RuneCountInString(s) > limit:
		return BadField(field, "has %d characters; send at most %d", utf8.RuneCountInString(s), limit)
	case strings.TrimSpace(s) != s:
		return BadField(field, "starts or ends with white space; remove it")
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return BadField(field, "holds the control or invisible character %U; remove it", r)
		}
	}
	return nil
}

// Fingerprint says which alerts are the same trouble: SHA-256, in hex, over the
// length-prefixed tenant and source, and the sender's identity, or else service and
// dedup key, or else service and the shape of the first error line. Lengths keep ("a","bc") apart from ("ab","c"); a leading
// mark keeps a key apart from a line of the same text.
func (a Alert) Fingerprint() string { return a.Trouble().Fingerprint }

// Trouble is what an alert is about.
type Trouble struct {
	Fingerprint string // see Alert.Fingerprint
	Shape       string // of the line that the fingerprint is made of; "" if the sender says itself what is the same
}

// Trouble returns what the alert is about.
func (a Alert) Trouble() (t Trouble) {
	service, mark, what := a.Service, "key", a.DedupKey
	switch {
	case a.Identity != "":
		service, mark, what = "", "identity", a.Identity
	case what == "":
		t.Shape = ShapeOf(a.ErrorLogs)
		mark, what = "shape", t.Shape
	}
	h := sha256.New()
	for _, part := range []string{a.Tenant, a.Source, service, mark, what} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	t.Fingerprint = hex.EncodeToString(h.Sum(nil))
	return t
}

// speaksOfError reports whether a line holds a word that error lines hold.
func speaksOfError(line string) bool {
	line = strings.ToLower(line)
	for _, word := range [...]string{"error", "exception", "fatal", "panic", "fail", "refused", "timeout", "timed out", "time out", "out of memory", "killed", "denied", "critical"} {
		if strings.Contains(line, word) {
			return true
		}
	}
	return false
}

// ShapeOf is the shape of the first line that speaks of an error, else of the first
// line that is not blank.
func ShapeOf(logs string) string {
	first := ""
	for line := range strings.Lines(logs) {
		line = Cut(strings.TrimSpace(line), maxShape)
		if line == "" {
			continue
		}
		if first == "" {
			first = line
		}
		if speaksOfError(line) {
			first = line
			break
		}
	}
	return Shape(first)
}
