package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// look is how often a state is asked for that nothing announces.
const look = 10 * time.Millisecond

// untilAllWait returns when no incident is left that people were not asked about.
func untilAllWait(ctx context.Context, s *server) error {
	c, err := dial(s.addr)
	if err != nil {
		return err
	}
	defer c.close()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		status, answer, err := c.get("/incidents?status=DETECTED&limit=1")
		if err != nil {
			return err
		}
		var page struct{ Incidents []json.RawMessage }
		if err := json.Unmarshal(answer, &page); err != nil || status != http.StatusOK {
			return fmt.Errorf("GET /incidents: %d %s", status, answer)
		}
		if len(page.Incidents) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for people to be asked: %w", ctx.Err())
		}
	}
}

// night is how many incidents wait unanswered.
const night = 100_000

// waiting measures what a long night of unanswered incidents costs.
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
	if b.ingestPerSecond > 0 { // it was measured in this run
		b.add(figure{"  ingest with them, ratio to none", r.perSecond() / b.ingestPerSecond, "", 0.5, false})
	}
	return b.stop()
}

// restarts measures memory and the time to come back, median of 3.
func (b *bench) restarts(ctx context.Context, s *server) error {
	memory, own, err := s.memory()
	if err != nil {
		return err
	}
	b.add(figure{name: "100,000 waiting: memory (RSS) after they came", value: memory, unit: "MiB"})
	b.add(figure{"  of it not pages of files", own, "MiB", 256, true})
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
	if err := rest(ctx); err != nil {
		return err
	}
	if memory, own, err = s.memory(); err != nil {
		return err
	}
	b.add(figure{"  restart to first healthy answer, median of 3", milliseconds(median(took)), "ms", 5000, true})
	b.add(figure{name: "  memory (RSS) 3 s after the restart", value: memory, unit: "MiB"})
	b.add(figure{"  of it not pages of files", own, "MiB", 256, true})
	return b.stop()
}
