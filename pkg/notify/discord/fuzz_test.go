package discord

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Whatever Discord answers, an id is digits, a wait is bounded, and an error is
// one of ours.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"id":"1234567890"}`), "")
	f.Add(429, []byte(`{"retry_after":0.3,"global":true}`), "1")
	f.Add(429, []byte(`{"retry_after":1e308}`), "NaN")
	f.Add(404, []byte(`{"code":10008}`), "-1")
	f.Add(302, []byte(`{"id":"../../x"}`), "Wed, 21 Oct 2026 07:28:00 GMT")
	f.Fuzz(func(t *testing.T, status int, answer []byte, after string) {
		if id, err := postedID(answer); err == nil && (id == "" || len(id) > 20 || strings.Trim(id, "0123456789") != "") {
			t.Fatalf("%q: the id %q", answer, id)
		}
		if wait, _ := retryAfter(http.Header{"Retry-After": {after}}, answer); wait < 0 || wait > 25*time.Hour {
			t.Fatalf("%q %q: wait %s", answer, after, wait)
		}
		if err := judge(status, answer); err != nil && incident.KindOf(err) == "" || err == nil && (status < 200 || status > 299) {
			t.Fatalf("%d %q: %v", status, answer, err)
		}
	})
}

// A webhook's URL that is taken goes over https or to this machine; one that is
// refused is not repeated.
func FuzzWebhook(f *testing.F) {
	for _, seed := range []string{"https://discord.com/api/webhooks/1/tok", "http://localhost:1/api/webhooks/1/tok?thread_id=2", "http://evil.example/api/webhooks/1/t", "https://u:p@discord.com/api/webhooks/1/t", "https://discord.com/api/webhooks/1/t?x=1", "https://discord.com/api/webhooks/1/%2e%2e", "::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := Settings{WebhookURL: text}.parse()
		switch {
		case err != nil && len(text) > 60 && strings.Contains(err.Error(), text):
			t.Fatalf("%v repeats it", err)
		case err == nil && (u.User != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname()))):
			t.Fatalf("%q is taken", text)
		}
	})
}
