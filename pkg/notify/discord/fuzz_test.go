package discord

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// Whatever Discord answers, an id is digits, and a refusal is worded by us.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"id":"1234567890"}`))
	f.Add(404, []byte(`{"code":10008}`))
	f.Add(302, []byte(`{"id":"../../x"}`))
	f.Fuzz(func(t *testing.T, status int, answer []byte) {
		c := &Channel{env: stepstest.Env(nil)}
		if id, err := c.postedID(answer); err == nil && (id == "" || len(id) > 20 || strings.Trim(id, "0123456789") != "") {
			t.Fatalf("%q: the id %q", answer, id)
		}
		if said := c.judge(status, answer); !strings.HasPrefix(said, "Discord ") {
			t.Fatalf("%d %q: %s", status, answer, said)
		}
	})
}

// A webhook's URL that is taken goes over https or to this machine; nothing else is.
func FuzzWebhook(f *testing.F) {
	for _, seed := range []string{"https://discord.com/api/webhooks/1/tok", "http://localhost:1/api/webhooks/1/tok?thread_id=2", "http://evil.example/api/webhooks/1/t", "https://u:p@discord.com/api/webhooks/1/t", "https://discord.com/api/webhooks/1/t?x=1", "https://discord.com/api/webhooks/1/%2e%2e", "::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if u, ok := parseWebhook(text); ok && (u.User != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && integration.Encrypted(u))) {
			t.Fatalf("%q is taken", text)
		}
	})
}
