package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shop is a running OpsGuard with a service whose fix is a script on this machine.
type shop struct {
	*client
	dir, data, addr string
	env             []string
	p               *proc
}

// script writes an executable that notes each run, with the incident and the
// idempotency key, and then does what it is given.
func (s *shop) script(name, does string) {
	s.Helper()
	text := "#!/bin/sh\necho \"$OPSGUARD_INCIDENT $OPSGUARD_KEY\" >> " + name + ".runs\n" + does + "\n"
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o700); err != nil {
		s.Fatal(err)
	}
}

// runs are the lines that a script has noted.
func (s *shop) runs(name string) []string {
	text, err := os.ReadFile(filepath.Join(s.dir, name+".runs"))
	if err != nil {
		return nil
	}
	return strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(text)), " ", "/"))
}

func newShop(t *testing.T, within time.Duration) *shop {
	t.Helper()
	s := &shop{dir: t.TempDir(), data: t.TempDir(), addr: freeAddr(t)}
	s.client = &client{T: t}
	services := filepath.Join(s.dir, "services.yaml")
	text := "services:\n"
	for n := range shops { // a target each: one whose fix is unknown stays taken
		text += fmt.Sprintf(`  shop-%[3]d:
    owner: web
    target:
      type: command
      dir: %[1]s
      run: {restart-service: [%[1]s/fix, shop-%[3]d]}
      verify: {restart-service: [%[1]s/look]}
      undo: {restart-service: [%[1]s/undo]}
      verifyWithin: %[2]s
    fixes: [restart-service]
`, s.dir, within, n)
	}
	if err := os.WriteFile(services, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.script("fix", "echo up > state")
	s.script("look", "grep -q up state")
	s.script("undo", "echo down > state")
	keys, entries := newKeys(t)
	s.env = []string{"OPSGUARD_SERVICES=" + services, "OPSGUARD_API_KEYS=" + entries}
	s.p = serve(t, s.data, s.addr, s.env...)
	target := s.p.target()
	target.IngestKey, target.OperateKey, target.ReadKey = keys.IngestKey, keys.OperateKey, keys.ReadKey
	s.client = newClient(t, target)
	return s
}

// shops is how many services there are.
const shops = 8

func outOfMemory(n int) alert {
	return alert{Service: fmt.Sprintf("shop-%d", n), ErrorLogs: "FATAL ERROR: JavaScript heap out of memory", DedupKey: fmt.Sprint("trouble ", n)}
}

func TestARealFixIsShownWordForWordApprovedDoneOnceAndVerified(t *testing.T) {
	s := newShop(t, time.Minute)
	id := s.waiting(outOfMemory(1))
	shown := s.incident(id)
	if !strings.Contains(shown.String(), s.dir+"/fix") || !strings.Contains(shown.String(), s.dir+"/undo") || len(s.runs("fix")) > 0 {
		t.Fatalf("people are shown %s; the fix ran %v", shown, s.runs("fix"))
	}
	s.decide(id, "approve")
	got := s.until(id, "RESOLVED", "ESCALATED")
	if got.text("status") != "RESOLVED" || got.text("fix.outcome") != "fixed" || got.get("fix.verified") != true {
		t.Errorf("it ended %s", got)
	}
	if runs := s.runs("fix"); len(runs) != 1 || !strings.HasPrefix(runs[0], id+"/") || len(s.runs("undo")) != 0 {
		t.Errorf("the fix ran %v, was undone %v", runs, s.runs("undo"))
	}
}

func TestARealFixThatDoesNotHelpIsUndoneAndThatIsSaid(t *testing.T) {
	s := newShop(t, 2*time.Second)
	s.script("look", "exit 1")
	id := s.waiting(outOfMemory(1))
	s.decide(id, "approve")
	got := s.until(id, "RESOLVED", "ESCALATED")
	if got.text("status") != "ESCALATED" || got.text("escalationReason") != "fix_unverified" || got.text("fix.outcome") != "applied" {
		t.Errorf("it ended %s", got)
	}
	if len(s.runs("fix")) != 1 || len(s.runs("undo")) != 1 || s.runs("fix")[0] == s.runs("undo")[0] {
		t.Errorf("the fix ran %v, was undone %v", s.runs("fix"), s.runs("undo"))
	}
	state, err := os.ReadFile(filepath.Join(s.dir, "state"))
	if err != nil || strings.TrimSpace(string(state)) != "down" || got.text("fix.undo.outcome") != "undone" {
		t.Errorf("the state is %q (%v), and the record says %s", state, err, got)
	}
}

func TestAScriptThatWasChangedAfterPeopleWereAskedDoesNotRun(t *testing.T) {
	s := newShop(t, time.Minute)
	id := s.waiting(outOfMemory(1))
	s.script("fix", "echo another > state")
	s.decide(id, "approve")
	got := s.until(id, "RESOLVED", "ESCALATED")
	if got.text("escalationReason") != "plan_stale" || got.text("fix.outcome") != "stale" || len(s.runs("fix")) != 0 {
		t.Errorf("it ended %s, ran %v", got, s.runs("fix"))
	}
}

// TestKilledAtAnyMomentARealFixRunsAtMostOnceAndTheRecordIsTruthful kills the process
// again and again while fixes are approved, run, looked at and undone.
func TestKilledAtAnyMomentARealFixRunsAtMostOnceAndTheRecordIsTruthful(t *testing.T) {
	s := newShop(t, time.Second)
	lives := shops
	if testing.Short() {
		lives = 3
	}
	s.script("fix", "sleep 0.3; echo up > state")
	killed, unknown, undone := 0, 0, 0
	for n := range lives {
		if n%2 == 1 { // every other fix does not help, and is undone
			s.script("look", "exit 1")
		} else {
			s.script("look", "grep -q up state")
		}
		id := s.waiting(outOfMemory(n))
		go s.try("POST", "/approve-fix?incidentId="+id+"&action=approve", "", nil)
		for range 3 {
			<-time.After(time.Duration(rand.IntN(900)) * time.Millisecond)
			s.p.kill()
			killed++
			s.p = serve(t, s.data, s.addr, s.env...)
		}
		if s.incident(id).text("decision.decision") == "" {
			s.decide(id, "approve")
		}
		got := s.until(id, "RESOLVED", "ESCALATED")
		fixes, undos := of(s.runs("fix"), id), of(s.runs("undo"), id)
		outcome := got.text("fix.outcome")
		switch {
		case fixes > 1 || undos > 1:
			t.Errorf("life %d: the fix ran %d times, was undone %d times", n, fixes, undos)
		case outcome == "fixed" && fixes != 1, (outcome == "failed" || outcome == "stale") && fixes != 0, undos > 0 && fixes == 0:
			t.Errorf("life %d: the record says %q; the fix ran %d times, was undone %d times", n, outcome, fixes, undos)
		case got.text("fix.undo.outcome") == "undone" && undos != 1:
			t.Errorf("life %d: the record says undone, and nothing was", n)
		case got.text("status") == "RESOLVED" && outcome != "fixed":
			t.Errorf("life %d: RESOLVED with %q", n, outcome)
		}
		if outcome == "unknown" {
			unknown++
		}
		undone += undos
	}
	t.Logf("killed %d times in %d lives: %d unknown, %d undone, none doubled", killed, lives, unknown, undone)
}

func of(runs []string, id string) (n int) {
	for _, r := range runs {
		if strings.HasPrefix(r, id+"/") {
			n++
		}
	}
	return n
}
