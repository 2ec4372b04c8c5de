package link

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Whatever keys are taken are long enough, verify what they sign, and are never
// printed.
func FuzzParseKeys(f *testing.F) {
	f.Add(strings.Repeat("0a", 32))
	f.Add(strings.Repeat("0A", 40) + ",\n" + strings.Repeat("0b", 32) + "\n")
	f.Add("short,zz")
	f.Add(" , \n")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeys(text)
		if err != nil {
			for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
				if len(entry) > 8 && strings.Contains(err.Error(), entry) {
					t.Fatalf("%q: %v repeats an entry", text, err)
				}
			}
			return
		}
		now := time.Unix(1, 0)
		c := Claims{Ref: incident.Ref{Tenant: "t", ID: "i"}, Action: incident.Approve, Channel: "c", Expires: now.Add(time.Hour).UTC()}
		if got, err := keys.Verify(keys.Mint(c), now); err != nil || got != c {
			t.Fatalf("%q: verified as %+v, %v", text, got, err)
		}
		printed := fmt.Sprintf("%v %+v %#v %s", keys, keys, keys, keys)
		for _, key := range *keys.set {
			if len(key) < MinKeyBytes || strings.Contains(printed, hex.EncodeToString(key)) {
				t.Fatalf("%q: a key of %d bytes, printed as %s", text, len(key), printed)
			}
		}
	})
}

// Whatever URL is taken makes links that lead there and nowhere else.
func FuzzParsePublicURL(f *testing.F) {
	for _, seed := range []string{"http://localhost:3000", "https://api.example.com/prod/", "https://a@b/", "ftp://x", "https://x/?a#b", "http://[::1]:3000", "https://x/%2e%2e/y", "http:///x", "https://x/a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParsePublicURL(text)
		if err != nil {
			return
		}
		c := Claims{Ref: incident.Ref{Tenant: "t", ID: "INC-1&t=x#"}, Action: "approve"}
		link := u.Decide(c, "A&B")
		if !strings.HasPrefix(link, u.String()+"/approve-fix?incidentId=INC-1%26t%3Dx%23&action=approve&t=A%26B") || !strings.HasPrefix(link, "http") {
			t.Fatalf("%q: a link %q", text, link)
		}
		if again, err := ParsePublicURL(u.String()); err != nil || again != u {
			t.Fatalf("%q: %q comes back as %q, %v", text, u, again, err)
		}
	})
}
