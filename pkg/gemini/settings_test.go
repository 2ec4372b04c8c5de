package gemini

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The words are checked without regular expressions; these say what is meant.
func TestWordsAreWhatTheirPatternsSay(t *testing.T) {
	for name, c := range map[string]struct {
		is      func(string) bool
		pattern string
	}{
		"model": {isModel, `^((models|tunedModels)/)?[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`},
		"key":   {isKey, `^[A-Za-z0-9._~+/=:-]{1,500}$`},
		"code":  {isCode, `^[A-Z][A-Z_]{1,39}$`},
	} {
		want := regexp.MustCompile(c.pattern)
		check := func(s string) {
			if got := c.is(s); got != want.MatchString(s) {
				t.Errorf("%s %q: %v", name, s, got)
			}
		}
		for _, n := range []int{0, 1, 2, 39, 40, 41, 99, 100, 101, 499, 500, 501} {
			for _, start := range []string{"", "models/", "tunedModels/", "models/models/"} {
				check(start + strings.Repeat("A", n))
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			check(rapid.SampledFrom([]string{"", "models/", "tunedModels/", "models"}).Draw(t, "start") +
				rapid.StringOf(rapid.SampledFrom([]rune("Az0._-~+/=: \n\u00e9"))).Draw(t, "rest"))
		})
	}
}
