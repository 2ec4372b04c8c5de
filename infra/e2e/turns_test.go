package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// approveAtOnce opens n incidents of one service, approves them all at the same
// time and returns their ids. Each approval must be answered 200.
func approveAtOnce(c *client, n int) []string {
	c.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = c.waiting(alert{Service: oom.Service, ErrorLogs: oom.ErrorLogs, DedupKey: fmt.Sprintf("%d of %d", i, n)})
	}
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			if a, err := c.try("GET", "/approve-fix?incidentId="+id, "", nil); err != nil || a.status != http.StatusOK {
				c.Errorf("approve %s: %s %v", id, a, err)
			}
		})
	}
	all.Wait()
	return ids
}

// ends counts how incidents ended.
func ends(c *client, ids []string) map[string]int {
	c.Helper()
	count := map[string]int{}
	for _, id := range ids {
		end := c.until(id, "RESOLVED", "ESCALATED")
		count[end.text("status")+" "+end.text("escalationReason")]++
		trailIsWhole(c, id)
	}
	return count
}

// waitsFor waits until an incident's trail says that its approved fix waits for the
// holder's to end.
func waitsFor(c *client, id, holder string) {
	c.Helper()
	c.eventually(id+" to say that it waits", func() bool {
		return slices.ContainsFunc(c.events(id), func(e incident.Event) bool {
			return e.Action == incident.EventFixQueued && e.Details["heldBy"] == holder
		})
	}, func() string { return c.incident(id).String() })
}

// TestTwentyApprovalsOfOneServiceAllRun approves twenty fixes of one target at
// once: each gets its turn.
func TestTwentyApprovalsOfOneServiceAllRun(t *testing.T) {
	const n = 20
	p := serve(t, t.TempDir(), freeAddr(t))
	c := newClient(t, p.target())
	c.Patience = time.Minute
	begun := time.Now()
	ids := approveAtOnce(c, n)
	asked := time.Since(begun)
	if got := ends(c, ids); got["RESOLVED "] != n {
		t.Errorf("%d approvals ended %v", n, got)
	}
	t.Logf("opened and approved in %s, all ended %s after that", asked, time.Since(begun)-asked)
}

// TestAKillDuringAFixDoesNotHoldUpTheNextOnes kills the process in the middle of
// a fix, while others wait for their turn. The restarted one looks at the target;
// whatever it sees, those that waited and five more of the same service run after it.
func TestAKillDuringAFixDoesNotHoldUpTheNextOnes(t *testing.T) {
	for seen, end := range map[string]string{"as planned": "RESOLVED", "": "ESCALATED"} {
		t.Run("the rerun ends it "+end, func(t *testing.T) {
			dir, addr := t.TempDir(), freeAddr(t)
			held := newGate(t)
			p := serveHeld(t, dir, addr, held.URL)
			c := newClient(t, p.target())
			killed := c.waiting(oom)
			c.decide(killed, "approve")
			<-held.arrived
			waited := approveAtOnce(c, 3)
			for _, id := range waited {
				waitsFor(c, id, killed)
			}
			p.kill()
			open := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			t.Cleanup(open.Close)
			c = newClient(t, serveHeld(t, dir, addr, open.URL, "E2E_SEEN="+seen).target())
			c.until(killed, end)
			if got := ends(c, waited); got["RESOLVED "] != len(waited) {
				t.Errorf("those that waited ended %v", got)
			}
			if got := ends(c, approveAtOnce(c, 5)); got["RESOLVED "] != 5 {
				t.Errorf("five approvals after it ended %v", got)
			}
		})
	}
}

// TestWhoWaitsForItsTurnIsTold holds one fix back while others of the same target
// are approved: they say for whom they wait, and no two ever run at once.
func TestWhoWaitsForItsTurnIsTold(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	var running, most atomic.Int32
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	gate := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		most.Store(max(most.Load(), running.Add(1)))
		arrived <- struct{}{}
		<-release
		running.Add(-1)
	}))
	t.Cleanup(gate.Close)
	open := sync.OnceFunc(func() { close(release) })
	t.Cleanup(open)
	c := newClient(t, serveHeld(t, dir, addr, gate.URL).target())
	first := c.waiting(oom)
	c.decide(first, "approve")
	<-arrived
	rest := approveAtOnce(c, 5)
	for _, id := range rest {
		waitsFor(c, id, first)
		if got := c.incident(id); got.text("status") != "WAITING_FOR_APPROVAL" || got.text("decision.decision") != "approve" {
			t.Errorf("while it waits: %s", got)
		}
	}
	open()
	if got := ends(c, append(rest, first)); got["RESOLVED "] != 6 {
		t.Errorf("they ended %v", got)
	}
	if most.Load() != 1 {
		t.Errorf("%d fixes ran on one target at once", most.Load())
	}
}
