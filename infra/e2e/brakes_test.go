package e2e

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// operator runs one of the built binary's commands against a serving OpsGuard.
func operator(t *testing.T, p *proc, key string, args ...string) (out string, status int) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append(args, "--url", "http://"+p.addr)...)
	cmd.Env = cleanEnv("OPSGUARD_KEY=" + key)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func TestAnOperatorStopsFixesAndLetsThemGo(t *testing.T) {
	target, entries := newKeys(t)
	dir, addr := t.TempDir(), freeAddr(t)
	p := serve(t, dir, addr, "OPSGUARD_API_KEYS="+entries)
	target.URL = "http://" + p.addr
	c := newClient(t, target)
	if out, status := operator(t, p, target.ReadKey, "stop", "--reason", "x"); status != 1 || !strings.Contains(out, "this needs operate") {
		t.Errorf("with a read key: %d %s", status, out)
	}
	if out, status := operator(t, p, target.OperateKey, "stop", "--reason", "deploys go wrong"); status != 0 || !strings.Contains(out, "none begins") {
		t.Errorf("stop: %d %s", status, out)
	}
	p.kill() // it is durable
	p = serve(t, dir, addr, "OPSGUARD_API_KEYS="+entries)
	if out, status := operator(t, p, target.ReadKey, "brake"); status != 3 || !strings.Contains(out, "key:e2e-operate: deploys go wrong") {
		t.Errorf("brake: %d %s", status, out)
	}
	stopped := approveAtOnce(c, 1)[0]
	end := c.until(stopped, "ESCALATED")
	if end.text("escalationReason") != "execution_stopped" || !strings.Contains(end.text("stoppedBy"), "deploys go wrong") || end.get("attempt") != nil {
		t.Errorf("stopped: %s", end)
	}
	trailIsWhole(c, stopped)
	if out, status := operator(t, p, target.OperateKey, "go"); status != 0 || !strings.Contains(out, "Fixes go.") {
		t.Errorf("go: %d %s", status, out)
	}
	for end, n := range ends(c, approveAtOnce(c, 2)) {
		if end != "RESOLVED " {
			t.Errorf("%d end %s", n, end)
		}
	}
}

// A fix that changes nothing is tried twice; then a person gets it, with what was tried.
func TestAUselessFixIsNotTriedAThirdTime(t *testing.T) {
	s := newShop(t, time.Minute)
	c, useless := s.client, outOfMemory(1)
	var tried []string
	for range 2 {
		id := c.waiting(useless)
		if a := c.call("GET", "/approve-fix?incidentId="+id, "", nil); a.status != 200 {
			t.Fatalf("approve: %s", a)
		}
		if end := c.until(id, "RESOLVED"); end.get("fix.lasted") != nil || end.text("fix.watchedUntil") == "" {
			t.Errorf("just resolved: %s", end)
		}
		tried = append(tried, id)
	}
	third := c.waiting(useless)
	last := c.incident(third)
	reason := last.text("analysis.manualReason")
	if last.get("plan") != nil {
		t.Errorf("the third one has a plan: %s", last)
	}
	for n, id := range tried {
		inc := c.incident(id)
		if lasted, known := inc.get("fix.lasted").(bool); !known || lasted || inc.text("fix.again") != append(tried, third)[n+1] {
			t.Errorf("%s does not say that it did not last: %s", id, inc)
		}
		trailIsWhole(c, id)
		if !strings.Contains(reason, id) {
			t.Errorf("people are not told of %s: %s", id, last)
		}
	}
	if a := c.call("GET", "/approve-fix?incidentId="+third, "", nil); a.status != 409 {
		t.Errorf("approving it: %s", a)
	}
}
