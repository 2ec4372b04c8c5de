package engine

import (
	"strings"
	"testing"
)

// A token that names an execution names a valid one, and is not read in two ways.
func FuzzTokenExecution(f *testing.F) {
	secret := strings.Repeat("A", 32)
	for _, seed := range []string{"INC-01ARZ3NDEKTSV4RRFFQ69G5FAV.1." + secret, "..", ".1." + secret, "a.b." + secret, "a.1." + secret + ".x", "a\x00.1." + secret, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		name, err := tokenExecution(token)
		if err == nil && (!validName(name) || !strings.HasPrefix(token, name+".") || strings.Count(token, ".") != 2) {
			t.Fatalf("%q is taken for one of %q", token, name)
		}
	})
}
