package brief

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Text from outside becomes one bounded line that shows all it has.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{"", "a\nb", "\x1b[2J\u202e\u200b", strings.Repeat("é", 1000), "\xff\xfe", "\u2028x\u0085"} {
		f.Add(seed, 20)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 1 + max(limit, -limit)&1023
		got := string(line(text, limit))
		if utf8.RuneCountInString(got) > limit || !utf8.ValidString(got) || got != strings.TrimSpace(got) {
			t.Fatalf("%q, at most %d: %q", text, limit, got)
		}
		for _, r := range got {
			if r != ' ' && (unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
				t.Fatalf("%q: %U in %q", text, r, got)
			}
		}
	})
}
