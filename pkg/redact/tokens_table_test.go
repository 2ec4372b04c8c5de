package redact

import (
	"strings"
	"testing"
)

// sample makes the part of a token after its prefix: n bytes of the class, with digits and letters by turns.
func sample(c *class, n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		if ch := alnum40[(i*7)%len(alnum40)]; c[ch] {
			b.WriteByte(ch)
		}
	}
	return b.String()
}

func TestEachTokenRule(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range tokenRules {
		if seen[r.prefix] {
			t.Errorf("%s has two rules", r.prefix)
		}
		seen[r.prefix] = true
		secret := sample(r.chars, max(r.min, r.full))
		for _, around := range []string{"sent % to it", `{"id":"%"}`, "%", "at\n%\nok"} {
			in := strings.Replace(around, "%", r.prefix+secret, 1)
			got, found := Text(in)
			if strings.Contains(got, secret) || found.Total() != 1 {
				t.Errorf("%s: %q became %q (%v)", r.prefix, in, got, found)
			}
		}
		if short := "sent " + r.prefix + sample(r.chars, r.min/3) + " to it"; r.min >= 16 {
			if got, found := Text(short); found != nil {
				t.Errorf("%s: a near miss %q became %q", r.prefix, short, got)
			}
		}
		if glued := "sent x" + r.prefix + secret + " to it"; r.word {
			if got, _ := Text(glued); strings.HasPrefix(got, "sent x[") {
				t.Errorf("%s: within a word %q became %q", r.prefix, glued, got)
			}
		}
		if cut := len(secret) / 2; r.full > 8 && !r.exact {
			if got, _ := Text(r.prefix + secret[:cut] + "\n" + secret[cut:] + "\nok"); strings.Contains(got, secret[cut:]) {
				t.Errorf("%s: wrapped, it became %q", r.prefix, got)
			}
		}
	}
}

func TestEachNameRule(t *testing.T) {
	const strong = "Zx9Kq2Lm7Pw4Rt6Vb8"
	for _, r := range nameRules {
		v := strong
		switch r.kind {
		case kindAuth:
			v = "Ym9iOmh1bnRlcjI="
		case kindCookie:
			v = "sid=" + strong
		}
		for _, shape := range []string{"% = §", `"%": "§"`, "--% §", "%=§"} {
			in := strings.NewReplacer("%", r.text, "§", v).Replace(shape)
			if strings.HasPrefix(in, "--") && (r.kind == kindCookie || r.kind == kindAuth || r.kind == kindAuthorization) {
				continue // headers are no options
			}
			if got, _ := Text(in); strings.Contains(got, v) {
				t.Errorf("%s: %q became %q", r.text, in, got)
			}
		}
		for _, innocent := range []string{"% expired", "%: missing", "%=null", "x%y=1", "%=${NAME}"} {
			in := strings.Replace(innocent, "%", r.text, 1)
			if got, found := Text(in); found != nil {
				t.Errorf("%s: %q became %q", r.text, in, got)
			}
		}
	}
}
