package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// gate is an HTTP server that answers when it is told to.
type gate struct {
	*httptest.Server
	arrived chan struct{}
	open    chan struct{}
	once    sync.Once
}

func (g *gate) release() { g.once.Do(func() { close(g.open) }) }

func newGate(t *testing.T) *gate {
	g := &gate{arrived: make(chan struct{}, 100), open: make(chan struct{})}
	g.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		g.arrived <- struct{}{}
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { g.release(); g.Close() })
	return g
}

func TestKilledWhileDetectedItCarriesOn(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	hang := newGate(t) // plays a Gemini that does not answer
	p := serve(t, dir, addr, "GEMINI_API_KEY=test", "GEMINI_ENDPOINT="+hang.URL)
	c := newClient(t, p.target())
	id := c.open(oom)
	<-hang.arrived
	if got := c.incident(id).text("status"); got != "DETECTED" {
		t.Fatalf("it is %s", got)
	}
	p.kill()
	p = serve(t, dir, addr)
	c = newClient(t, p.target())
	c.until(id, "WAITING_FOR_APPROVAL")
	c.decide(id, "approve")
	c.until(id, "RESOLVED")
	trailIsWhole(c, id)
}

func TestKilledWhileWaitingItKeepsPlanAndDeadline(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	p := serve(t, dir, addr)
	c := newClient(t, p.target())
	id := c.waiting(oom)
	before := c.incident(id)
	p.kill()
	p = serve(t, dir, addr)
	c = newClient(t, p.target())
	after := c.incident(id)
	c.eventually("it to say that somebody has to decide", func() bool {
		return strings.Contains(p.out.String(), "incidents wait for a person") && strings.Contains(p.out.String(), "status=WAITING_FOR_APPROVAL")
	}, p.out.String)
	if string(before.body) != string(after.body) {
		t.Errorf("the kill changed it:\n%s\n%s", before, after)
	}
	c.decide(id, "approve")
	c.until(id, "RESOLVED")
	trailIsWhole(c, id)
}

// TestKilledWhileExecutingTheFixIsNotAppliedAgain is at-most-once: whether the
// killed process had applied the fix cannot be known, so nobody applies it again
// and the outcome says so.
func TestKilledWhileExecutingTheFixIsNotAppliedAgain(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	g := newGate(t)
	p := serveHeld(t, dir, addr, g.URL)
	c := newClient(t, p.target())
	id := c.waiting(oom)
	c.decide(id, "approve")
	<-g.arrived
	if got := c.incident(id).text("status"); got != "EXECUTING_FIX" {
		t.Fatalf("it is %s", got)
	}
	p.kill()
	serveHeld(t, dir, addr, g.URL)
	c = newClient(t, p.target())
	end := c.until(id, "ESCALATED")
	if end.text("escalationReason") != "fix_unknown" || end.text("fix.outcome") != "unknown" || end.text("ticket.key") == "" {
		t.Errorf("ended: %s", end)
	}
	b, err := os.ReadFile(applied(dir))
	if err != nil || strings.Count(string(b), id) != 1 {
		t.Errorf("the fix was applied %d times (%v)", strings.Count(string(b), id), err)
	}
	trailIsWhole(c, id)
}

func TestKilledAfterTheEndNothingChanges(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	p := serve(t, dir, addr)
	c := newClient(t, p.target())
	resolved, escalated := c.waiting(oom), c.waiting(alert{Service: oom.Service, ErrorLogs: oom.ErrorLogs, DedupKey: "another"})
	c.decide(resolved, "approve")
	c.decide(escalated, "escalate")
	before := []answer{c.until(resolved, "RESOLVED"), c.until(escalated, "ESCALATED")}
	p.kill()
	serve(t, dir, addr)
	c = newClient(t, p.target())
	for n, id := range []string{resolved, escalated} {
		if after := c.incident(id); string(after.body) != string(before[n].body) {
			t.Errorf("the kill changed it:\n%s\n%s", before[n], after)
		}
		trailIsWhole(c, id)
	}
}

// TestKilledAtAnyMoment kills the process again and again while alerts come and
// are decided: every alert that was accepted ends, and no fix is applied twice.
func TestKilledAtAnyMoment(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	open := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(open.Close)
	var mu sync.Mutex
	accepted := map[string]bool{}
	for round := range 6 {
		p := serveHeld(t, dir, addr, open.URL)
		c := newClient(t, p.target())
		stop, cancel := context.WithCancel(t.Context())
		var senders sync.WaitGroup
		for n := range 4 {
			senders.Go(func() {
				for i := 0; stop.Err() == nil; i++ {
					body := fmt.Sprintf(`{"serverName":"prod-api-01","errorLogs":"JavaScript heap out of memory","dedupKey":"%d-%d-%d"}`, round, n, i)
					a, err := c.try("POST", "/ingest-alert", body, asJSON)
					if err != nil {
						return // killed
					}
					if id := a.text("incidentId"); a.status == http.StatusAccepted {
						mu.Lock()
						accepted[id] = true
						mu.Unlock()
						decideSoon(c, id, []string{"approve", "escalate"}[i%2])
					}
				}
			})
		}
		c.eventually("some alerts", func() bool { mu.Lock(); defer mu.Unlock(); return len(accepted) >= 40*(round+1) }, func() string { return fmt.Sprint(len(accepted)) })
		p.kill()
		cancel()
		senders.Wait()
	}
	c := newClient(t, serveHeld(t, dir, addr, open.URL).target())
	c.Patience = time.Minute
	ends := map[string]int{}
	for id := range accepted {
		c.eventually("incident "+id+" to wait or end", func() bool {
			got := c.incident(id)
			if got.text("status") == "WAITING_FOR_APPROVAL" && got.get("decision") == nil {
				c.decide(id, "escalate")
			}
			return got.text("status") == "RESOLVED" || got.text("status") == "ESCALATED"
		}, func() string { return c.incident(id).String() })
		trailIsWhole(c, id)
		end := c.incident(id)
		ends[end.text("status")+" "+end.text("escalationReason")]++
	}
	b, err := os.ReadFile(applied(dir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, id := range strings.Fields(string(b)) {
		if times[id]++; times[id] > 1 {
			t.Errorf("the fix of %s was applied twice", id)
		}
	}
	if len(times) == 0 {
		t.Error("no fix was applied at all, so this showed nothing")
	}
	t.Logf("%d alerts accepted, %d fixes applied over 6 kills; they ended %v", len(accepted), len(times), ends)
}

// decideSoon decides as soon as people are asked, or until the process is gone.
func decideSoon(c *client, id, action string) {
	for {
		a, err := c.try("GET", "/approve-fix?incidentId="+id+"&action="+action, "", nil)
		if err != nil || a.text("type") != "not-waiting" {
			return
		}
	}
}

func trailIsWhole(c *client, id string) {
	c.Helper()
	if got := c.call("GET", "/incidents/"+id+"/audit", "", nil); got.get("valid") != true {
		c.Errorf("the trail of %s: %s", id, got)
	}
}
