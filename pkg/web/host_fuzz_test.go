package web

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// In keyless mode no Host but this machine's three names is taken, with or
// without a port.
func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost", "LOCALHOST:3000", "127.0.0.1:1", "[::1]", "[::1]:3000", "localhost.evil.example", "localhost:x", "::1", "127.0.0.1:80:80", "[::1", "", ":", "localhost:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Host = "127.0.0.1:1", host
		if fromThisMachine(r) != nil {
			return
		}
		name, port := host, ""
		if i := strings.LastIndex(host, ":"); i >= 0 && host != "[::1]" {
			name, port = host[:i], host[i+1:]
		}
		if name = strings.ToLower(name); name != "localhost" && name != "127.0.0.1" && name != "[::1]" || strings.Trim(port, "0123456789") != "" {
			t.Fatalf("%q is taken for this machine", host)
		}
	})
}
