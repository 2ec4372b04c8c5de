package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// look is how often a state is asked for that nothing announces.
const look = 10 * time.Millisecond

// until asks every look until it is so.
func until(ctx context.Context, what string, so func() (bool, error)) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if yes, err := so(); yes || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}

// untilAllWait returns when no incident is left that people were not asked about.
func untilAllWait(ctx context.Context, s *server) error {
	c, err := dial(s.addr)
	if err != nil {
		return err
	}
	defer c.close()
	return until(ctx, "people to be asked", func() (bool, error) {
		status, answer, err := c.get("/incidents?status=DETECTED&limit=1")
		if err != nil {
			return false, err
		}
		var page struct{ Incidents []json.RawMessage }
		if err := json.Unmarshal(answer, &page); err != nil || status != http.StatusOK {
			return false, fmt.Errorf("GET /incidents: %d %s", status, answer)
		}
		return len(page.Incidents) == 0, nil
	})
}

// life takes one incident from its alert to RESOLVED, approving it.
func (c *conn) life(ctx context.Context, service, key string) error {
	id, err := c.send(alert(service, key), false)
	if err != nil {
		return err
	}
	if err := c.untilStatus(ctx, id, "WAITING_FOR_APPROVAL"); err != nil {
		return err
	}
	status, answer, err := c.get("/approve-fix?incidentId=" + id)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("GET /approve-fix: %d %s: %w", status, answer, err)
	}
	return c.untilStatus(ctx, id, "RESOLVED")
}

func (c *conn) untilStatus(ctx context.Context, id, wanted string) error {
	return until(ctx, "incident "+id+" to be "+wanted, func() (bool, error) {
		status, answer, err := c.get("/incidents/" + id)
		if err != nil {
			return false, err
		}
		var incident struct{ Status string }
		if err := json.Unmarshal(answer, &incident); err != nil || status != http.StatusOK {
			return false, fmt.Errorf("GET /incidents/%s: %d %s", id, status, answer)
		}
		if incident.Status == "ESCALATED" {
			return false, fmt.Errorf("incident %s was escalated: %s", id, answer)
		}
		return incident.Status == wanted, nil
	})
}

// lifeTime is how long lifecycles are counted.
const lifeTime = 10 * time.Second

// lifecycles measures whole lives, one at a time for each service.
func (b *bench) lifecycles(ctx context.Context) error {
	s, err := b.serve(ctx, "lives")
	if err != nil {
		return err
	}
	var service atomic.Int64
	r, err := load(ctx, targets, 1<<30, lifeTime, func() (func(int) error, func(), error) {
		c, err := dial(s.addr)
		if err != nil {
			return nil, nil, err
		}
		name := serviceName(int(service.Add(1)) - 1)
		return func(i int) error { return c.life(ctx, name, fmt.Sprintf("life-%d", i)) }, c.close, nil
	})
	if err != nil {
		return err
	}
	b.add(figure{name: "lifecycles, alert to RESOLVED, 64 services", value: r.perSecond(), unit: "lives/s"})
	b.add(figure{name: "  p50, looked at every 10 ms", value: milliseconds(r.percentile(0.5)), unit: "ms"})
	return b.stop()
}

// night is how many incidents wait unanswered.
const night = 10_000

// waiting measures what a night of unanswered incidents costs.
func (b *bench) waiting(ctx context.Context) error {
	s, err := b.serve(ctx, "night")
	if err != nil {
		return err
	}
	for sent := 0; sent < night; { // a flood is bounded in time
		r, err := flood(ctx, s, fmt.Sprintf("night-%d", sent), night-sent)
		if err != nil {
			return err
		}
		sent += len(r.latencies)
	}
	if err := untilAllWait(ctx, s); err != nil {
		return err
	}
	if err := b.restarts(ctx, s); err != nil {
		return err
	}
	if s, err = b.serve(ctx, "night"); err != nil {
		return err
	}
	if err := rest(ctx); err != nil { // reconcile looks at all that wait, once, at the start
		return err
	}
	r, err := flood(ctx, s, "more", alerts)
	if err != nil {
		return err
	}
	b.add(figure{"  ingest with them, ratio to none", r.perSecond() / b.ingestPerSecond, "", 0.5, false})
	return b.stop()
}

// restarts measures memory and the time to come back, median of 3.
func (b *bench) restarts(ctx context.Context, s *server) error {
	memory, own, err := s.memory()
	if err != nil {
		return err
	}
	b.add(figure{name: "10,000 waiting: memory (RSS) after they came", value: memory, unit: "MiB"})
	b.add(figure{name: "  of it not pages of files", value: own, unit: "MiB"})
	var took []time.Duration
	for range 3 {
		if err := b.stop(); err != nil {
			return err
		}
		if s, err = b.serve(ctx, "night"); err != nil {
			return err
		}
		took = append(took, s.healthy)
	}
	if memory, own, err = s.memory(); err != nil {
		return err
	}
	slices.Sort(took)
	b.add(figure{name: "  restart to first healthy answer, median of 3", value: milliseconds(took[1]), unit: "ms"})
	b.add(figure{name: "  memory (RSS) after the restart", value: memory, unit: "MiB"})
	b.add(figure{name: "  of it not pages of files", value: own, unit: "MiB"})
	return b.stop()
}
