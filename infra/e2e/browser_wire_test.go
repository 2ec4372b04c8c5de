package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// wire is what lies between a browser and the server, and can be cut.
type wire struct {
	*httptest.Server
	addr  string // the server's
	mu    sync.Mutex
	cut   string // what becomes of a POST: "" for nothing, "going" or "coming"
	posts int    // how many came from the browser
}

func newWire(t *testing.T, addr string) *wire {
	w := &wire{addr: addr}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: addr}) }}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch w.becomes(r) {
		case "going":
			w.half(t, r)
			panic(http.ErrAbortHandler) // the browser's connection is closed without an answer
		case "coming":
			pass.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		pass.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wire) becomes(r *http.Request) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Method != http.MethodPost {
		return ""
	}
	w.posts++
	return w.cut
}

// half lets the server have half of the body, and no more.
func (w *wire) half(t *testing.T, r *http.Request) {
	to, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer to.Close()
	fmt.Fprintf(to, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.URL.RequestURI(), r.Host, r.ContentLength)
	_ = r.Header.Write(to)
	fmt.Fprint(to, "\r\n")
	if _, err := io.CopyN(to, r.Body, r.ContentLength/2); err != nil {
		t.Error(err)
	}
}

// set cuts the wire for every POST from now on, or mends it.
func (w *wire) set(cut string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
}

func (w *wire) came() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posts
}
