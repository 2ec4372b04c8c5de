package bolt

import "testing"

// A damaged record is an error, never a panic.
func FuzzSplitMeta(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\x08DETECTED{}"))
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\xffx"))
	f.Fuzz(func(t *testing.T, v []byte) {
		_, status, body, err := splitMeta(v)
		if err == nil && len(v) > 0 && 9+len(status)+len(body) != len(v) {
			t.Fatalf("%q: %q and %q", v, status, body)
		}
	})
}
