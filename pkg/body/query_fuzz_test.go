package body

import (
	"maps"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Whatever query is taken, the standard library reads the same way.
func FuzzReadQuery(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=%20", "a=1&a=1", "%=1", "a=%zz", "a;b=1", "a=1&&c", "x=1", "a=%ff", "a=1#b", "a=%00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := ReadQuery(raw, names...)
		if err != nil {
			if incident.KindOf(err) != incident.Invalid || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		std, err := url.ParseQuery(raw)
		if err != nil { // it refuses semicolons, which are plain text to us
			return
		}
		want := Values{}
		for name := range std {
			want[name] = std.Get(name)
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%q:\ngot  %q\nwant %q", raw, got, want)
		}
	})
}

func FuzzKindOf(f *testing.F) {
	for _, seed := range []string{"application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded;charset=\"UTF-8\"", "text/plain", "application/json; charset=latin1", ";", "a/b;c=d;c=e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, contentType string) {
		if kind, ok := KindOf(contentType); ok != (kind == JSON || kind == Form) {
			t.Fatalf("%q: %v, %v", contentType, kind, ok)
		}
	})
}
