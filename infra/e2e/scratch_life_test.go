package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// gadgets plays the outside systems of the integrations that were added.
type gadgets struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
	lever string
}

func newGadgets(t *testing.T) *gadgets {
	g := &gadgets{lever: "up"}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.calls = append(g.calls, r.Method+" "+r.URL.Path)
		if to, moved := strings.CutPrefix(r.URL.Path, "/lever/"); moved {
			g.lever = to
		}
		fmt.Fprintf(w, `{"id":"f1","number":"P-1","at":%q}`, g.lever)
	}))
	t.Cleanup(g.Close)
	return g
}

// made counts the calls that begin so.
func (g *gadgets) made(prefix string) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

const scratchServices = `
channels:
  pole: {type: flagpole, url: %[1]q, key: {secret: POLE_KEY}}
trackers:
  book: {type: notebook, url: %[1]q, key: {secret: BOOK_KEY}}
sources:
  bell: {type: doorbell, key: {secret: BELL_KEY}}
services:
  prod-api-01: {owner: platform, target: {type: lever, url: %[1]q}, fixes: [restart-service], notify: [pole], tracker: book}
`

// livesThroughAll runs the binary on a services.yaml that uses what was added: the
// source is heard, the channel tells, the executor acts, the tracker gets a ticket.
func livesThroughAll(t *testing.T, binary string) {
	g := newGadgets(t)
	services := filepath.Join(t.TempDir(), "services.yaml")
	if err := os.WriteFile(services, fmt.Appendf(nil, scratchServices, g.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	key, entry := newKey(t, "anna", "operate")
	addr, dir := freeAddr(t), t.TempDir()
	env := []string{"OPSGUARD_SERVICES=" + services, "OPSGUARD_API_KEYS=" + entry, "OPSGUARD_SECRET_POLE_KEY=pole-key", "OPSGUARD_SECRET_BOOK_KEY=book-key"}
	command := func() *exec.Cmd { return exec.Command(binary, "serve", "--data-dir", dir, "--addr", addr) }

	unset := command()
	unset.Env = cleanEnv(env...)
	if out, err := unset.CombinedOutput(); err == nil || !strings.Contains(string(out), "OPSGUARD_SECRET_BELL_KEY") {
		t.Errorf("without the bell's key: %v\n%s", err, out)
	}
	startProc(t, command(), addr, append(env, "OPSGUARD_SECRET_BELL_KEY=bell-key"))
	c := newClient(t, Target{URL: "http://" + addr, OperateKey: key, ReadKey: key})
	ring := func(words string) string {
		t.Helper()
		body := fmt.Sprintf(`{"house":"prod-api-01","words":%q}`, words)
		mac := hmac.New(sha256.New, []byte("bell-key"))
		mac.Write([]byte(body))
		signature := hex.EncodeToString(mac.Sum(nil))
		if a := c.call("POST", "/ingest/bell", body, header{"Authorization": "-", "X-Bell": strings.Repeat("0", 64)}); a.status != http.StatusUnauthorized {
			t.Errorf("a forged ring: %s", a)
		}
		a := c.call("POST", "/ingest/bell", body, header{"Authorization": "-", "X-Bell": signature})
		if a.status != http.StatusAccepted {
			t.Fatalf("a ring: %s", a)
		}
		newest := c.call("GET", "/incidents?service=prod-api-01&limit=1", "", nil)
		var list struct{ Incidents []struct{ IncidentID string } }
		if err := json.Unmarshal(newest.body, &list); err != nil || len(list.Incidents) != 1 {
			t.Fatalf("the list: %s", newest)
		}
		return list.Incidents[0].IncidentID
	}
	id := ring("JavaScript heap out of memory")
	c.until(id, "WAITING_FOR_APPROVAL")
	c.eventually("the flag to be hoisted", func() bool { return g.made("POST /flags") == 1 }, func() string { return fmt.Sprint(g.calls) })
	body, h := word{"incidentId": id, "action": "approve"}.json()
	c.call("POST", "/approve-fix", body, h)
	c.until(id, "RESOLVED")
	if n := g.made("POST /lever/down"); n != 1 {
		t.Errorf("the lever was pulled %d times", n)
	}
	id = ring("something that no rule knows")
	c.until(id, "WAITING_FOR_APPROVAL")
	body, h = word{"incidentId": id, "action": "escalate"}.json()
	c.call("POST", "/approve-fix", body, h)
	if end := c.until(id, "ESCALATED"); end.text("ticket.tracker") != "book" || end.text("ticket.key") != "P-1" {
		t.Errorf("the ticket is %v", end.get("ticket"))
	}
}
