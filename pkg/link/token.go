package link

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Claims is what a link grants: one action on one plan of one incident.
type Claims struct {
	Ref      incident.Ref
	PlanHash string // "" for a manual review
	Action   incident.Action
	Channel  string    // where it was sent; a decision through it is link:<channel>'s
	Expires  time.Time // whole milliseconds, UTC
}

// version is the first byte of a token. Another layout gets another one, so that
// an old link is refused rather than read wrongly.
const version = 1

// maxToken bounds what Verify decodes, in characters. Ours have about 165.
const maxToken = 1024

// encoding is strict: the bits that pad the last character must be zero, so that
// one token has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// Mint makes the token of a link, signed by the first key; "" if there is no key.
// It is URL-safe as it is.
func (k Keys) Mint(c Claims) string {
	if k.IsZero() {
		return ""
	}
	payload := c.encode()
	return encoding.EncodeToString(append(payload, sign((*k.set)[0], payload)...))
}

// Verify returns what a token grants. One whose time is over is refused with
// Expired, and then the claims are returned too, for they are authentic: they
// may be shown but grant nothing. Whatever else is wrong with a token, the
// answer is the same Forbidden, which tells a forger nothing.
func (k Keys) Verify(token string, now time.Time) (Claims, error) {
	c, ok := k.open(token)
	if !ok {
		return Claims{}, Invalid()
	}
	if !now.Before(c.Expires) {
		return c, incident.Fail(incident.Expired, incident.CodeExpired,
			"this link was valid until %s", incident.FormatTime(c.Expires))
	}
	return c, nil
}

// Invalid is the one answer to every token that grants nothing. A caller gives
// it too when a token is used for something else than its claims say.
func Invalid() error {
	return incident.Fail(incident.Forbidden, incident.CodeForbidden,
		"this link is not valid; use the link of the notification, unchanged")
}

func (k Keys) open(token string) (Claims, bool) {
	// The decoder skips line breaks, which would give a token a second spelling.
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") {
		return Claims{}, false
	}
	raw, err := encoding.DecodeString(token)
	if err != nil || len(raw) < macSize {
		return Claims{}, false
	}
	payload, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !k.signed(payload, mac) {
		return Claims{}, false
	}
	return decode(payload)
}

// Marks of how a plan's hash is written: half of the token's length would
// otherwise be its hexadecimal digits.
const (
	hashAsText  = 0
	hashAsBytes = 1
)

// encode writes the claims with a length before each text, so that no two
// claims are ever the same bytes.
func (c Claims) encode() []byte {
	b := []byte{version}
	b = appendText(b, c.Ref.Tenant)
	b = appendText(b, c.Ref.ID)
	if raw, err := hex.DecodeString(c.PlanHash); err == nil && hex.EncodeToString(raw) == c.PlanHash {
		b = appendText(append(b, hashAsBytes), string(raw))
	} else {
		b = appendText(append(b, hashAsText), c.PlanHash)
	}
	b = appendText(b, string(c.Action))
	b = appendText(b, c.Channel)
	return binary.BigEndian.AppendUint64(b, uint64(c.Expires.UnixMilli()))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decode reads what encode wrote; false if it is anything else.
func decode(b []byte) (Claims, bool) {
	r := reader{rest: b, ok: true}
	var c Claims
	if r.byte() != version {
		return Claims{}, false
	}
	c.Ref.Tenant = r.text()
	c.Ref.ID = r.text()
	mark := r.byte()
	c.PlanHash = r.text()
	if mark == hashAsBytes {
		c.PlanHash = hex.EncodeToString([]byte(c.PlanHash))
	}
	c.Action = incident.Action(r.text())
	c.Channel = r.text()
	if !r.ok || len(r.rest) != 8 {
		return Claims{}, false
	}
	c.Expires = time.UnixMilli(int64(binary.BigEndian.Uint64(r.rest))).UTC()
	return c, true
}

// reader takes fields off the front; ok turns false for good at the first one
// that is not all there.
type reader struct {
	rest []byte
	ok   bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.ok = false
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) text() string {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > uint64(len(r.rest)-size) {
		r.ok = false
		return ""
	}
	s := string(r.rest[size : size+int(n)])
	r.rest = r.rest[size+int(n):]
	return s
}
