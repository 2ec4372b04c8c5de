package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStoreCheckTellsWholeFromDamagedFromUnchecked while OpsGuard serves and while it
// does not.
func TestStoreCheckTellsWholeFromDamagedFromUnchecked(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	p := serve(t, dir, addr)
	c := newClient(t, p.target())
	id := c.waiting(oom)
	check := func(when, want string, status int) {
		t.Helper()
		out, failed, got := command(t, "store", "check", "--data-dir", dir)
		if got != status || !strings.Contains(out+failed, want) || strings.Contains(failed, "goroutine") {
			t.Errorf("%s: %d %q %q; want %d %q", when, got, out, failed, status, want)
		}
	}
	check("whole, serving", "1 incidents, 0 damaged places", 0)
	p.kill()
	check("whole, alone", "1 incidents, 0 damaged places", 0)

	path := filepath.Join(dir, "opsguard.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	evidence := []byte(`{"logs":"`)
	if bytes.Count(file, evidence) == 0 {
		t.Fatal("the evidence is not in the file")
	}
	// In every copy, since an old one may lie on a free page, the first letter is changed.
	for at := bytes.Index(file, evidence); at >= 0; {
		file[at+len(evidence)] ^= 1
		next := bytes.Index(file[at+1:], evidence)
		if next < 0 {
			break
		}
		at += 1 + next
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	check("damaged, alone", "evidence "+id+": its checksum does not match", 1)
	p = serve(t, dir, addr)
	check("damaged, serving", "evidence "+id+": its checksum does not match", 1)
	if got := newClient(t, p.target()).call("GET", "/healthz", "", nil); got.text("status") != "degraded" || !strings.Contains(got.text("store"), id) {
		t.Errorf("healthz: %s", got)
	}
	if !strings.Contains(p.out.String(), "the store is damaged") {
		t.Errorf("the start said %s", p.out)
	}
	if out, _, status := auditVerify(t, dir, "--all"); status != 1 || !strings.Contains(out, id) {
		t.Errorf("audit verify: %d %q", status, out)
	}
	p.kill()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("gone", "opsguard store init", 2)
	if out, failed, status := command(t, "store", "init", "--data-dir", dir); status != 0 {
		t.Errorf("init: %d %q %q", status, out, failed)
	}
	if _, failed, status := command(t, "store", "init", "--data-dir", dir); status != 1 || !strings.Contains(failed, "not overwritten") {
		t.Errorf("init again: %d %q", status, failed)
	}
	check("begun again", "0 incidents, 0 damaged places", 0)
	serve(t, dir, addr)
}
