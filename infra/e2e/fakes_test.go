package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// gemini plays Gemini's generateContent over HTTP.
func gemini(t *testing.T, answer http.HandlerFunc) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, ":generateContent") {
			t.Errorf("Gemini was called as %s %s", r.Method, r.URL.Path)
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// says answers with a model's text.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		part, _ := json.Marshal(text)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"candidates":[{"content":{"parts":[{"text":%s}],"role":"model"},"finishReason":"STOP"}]}`, part)
	}
}

// discord plays a Discord webhook: it keeps what was posted and edited.
type discord struct {
	*httptest.Server
	mu     sync.Mutex
	posted []string
	edited []string
}

func newDiscord(t *testing.T) *discord {
	d := &discord{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.mu.Lock()
		defer d.mu.Unlock()
		if r.Method == http.MethodPatch {
			d.edited = append(d.edited, string(body))
		} else {
			d.posted = append(d.posted, string(body))
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"id":"1234567890"}`)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *discord) webhook() string { return d.URL + "/api/webhooks/1/tok" }

// messages returns what was posted and edited so far.
func (d *discord) messages() (posted, edited []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.posted...), append([]string{}, d.edited...)
}
