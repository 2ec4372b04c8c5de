package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// atOnce keeps the race detector from waiting a second at the end of a command.
const atOnce = "GORACE=atexit_sleep_ms=0"

// newKey makes one key with the command that operators use.
func newKey(t *testing.T, name, role string) (key, entry string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "keys", "new", "--name", name, "--role", role)
	cmd.Env = cleanEnv(atOnce)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(out), "key=%s\nentry=%s\n", &key, &entry); err != nil {
		t.Fatalf("keys new printed %q: %v", out, err)
	}
	return key, entry
}

// TestAKeyIsRotatedByTwoEntriesOfOneName goes through a rotation as SECURITY.md
// tells it: both keys are good while both entries stand, and the old one is
// nobody's once its entry is gone.
func TestAKeyIsRotatedByTwoEntriesOfOneName(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	oldKey, oldEntry := newKey(t, "anna", "operate")
	freshKey, freshEntry := newKey(t, "anna", "operate")
	ingest, ingestEntry := newKey(t, "app", "ingest")
	p := serve(t, dir, addr, "OPSGUARD_API_KEYS="+oldEntry+","+freshEntry+"\n"+ingestEntry)
	c := newClient(t, Target{URL: "http://" + addr, IngestKey: ingest, OperateKey: oldKey, ReadKey: freshKey})
	for _, key := range []string{oldKey, freshKey} {
		id := c.waiting(oom)
		got := c.call("GET", "/approve-fix?incidentId="+id+"&action=resolve", "", header{"Authorization": "Bearer " + key})
		if got.status != http.StatusOK || got.text("by") != "key:anna" {
			t.Errorf("while both entries stand: %s", got)
		}
		c.until(id, "RESOLVED")
	}
	open := c.waiting(oom)
	p.kill()
	p = serve(t, dir, addr, "OPSGUARD_API_KEYS="+freshEntry+"\n"+ingestEntry)
	for name, key := range map[string]string{
		"the removed key": oldKey, "an entry's hash": strings.Split(freshEntry, ":")[2], "the entry itself": freshEntry,
		"the key cut short": freshKey[:len(freshKey)-1], "the key and more": freshKey + "x", "another case": strings.ToUpper(freshKey), "a name": "anna",
	} {
		for _, path := range []string{"/approve-fix?incidentId=" + open, "/incidents/" + open, "/incidents"} {
			c.want(name+" on "+path, c.call("GET", path, "", header{"Authorization": "Bearer " + key}), http.StatusForbidden, "forbidden")
		}
	}
	if got := c.incident(open); got.get("decision") != nil {
		t.Errorf("a key that is nobody's decided: %s", got)
	}
	c.OperateKey = freshKey
	c.end(open)
	for _, secret := range []string{oldKey, freshKey, ingest} {
		if strings.Contains(p.out.String(), secret) {
			t.Error("a key was printed")
		}
	}
}

// TestALinkSurvivesItsKeysRotationUntilTheOldKeyGoes does the same for the keys
// that sign decision links.
func TestALinkSurvivesItsKeysRotationUntilTheOldKeyGoes(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	d := newDiscord(t)
	operate, entry := newKey(t, "anna", "operate")
	ingest, ingestEntry := newKey(t, "app", "ingest")
	oldKey, freshKey := strings.Repeat("0a", 32), strings.Repeat("0b", 32)
	start := func(linkKeys string) (*proc, *client) {
		p := serve(t, dir, addr, "OPSGUARD_API_KEYS="+entry+","+ingestEntry, "DISCORD_WEBHOOK_URL="+d.webhook(), "OPSGUARD_LINK_KEYS="+linkKeys)
		return p, newClient(t, Target{URL: "http://" + addr, IngestKey: ingest, OperateKey: operate, ReadKey: operate})
	}
	anonymous := header{"Authorization": "-", "Accept": "text/html"}
	p, c := start(oldKey)
	id := c.waiting(oom)
	c.eventually("Discord to be told", func() bool { posted, _ := d.messages(); return len(posted) == 1 }, p.out.String)
	posted, _ := d.messages()
	path := strings.TrimPrefix(linksOf(posted[0], "approve")[0], c.URL)
	p.kill()

	p, c = start(freshKey + "," + oldKey)
	c.want("while the old key verifies", c.call("GET", path, "", anonymous), http.StatusOK, "")
	p.kill()

	_, c = start(freshKey)
	got := c.call("GET", path, "", anonymous)
	c.want("once the old key is gone", got, http.StatusForbidden, "")
	if strings.Contains(string(got.body), "<form") || c.incident(id).get("decision") != nil {
		t.Errorf("it still leads to a decision: %s", got)
	}
	c.end(id)
}
