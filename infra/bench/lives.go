package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// lifeTime is how long lifecycles of many services are counted.
	lifeTime = 10 * time.Second
	// loneLives is how many are lived one after another, and loneTime bounds them.
	loneLives = 300
	loneTime  = 15 * time.Second
)

// lives measures whole lives: one at a time, then one at a time for each of 64
// services. The approver reads what the server prints, so that nobody has to ask
// again and again, and approves at once.
func (b *bench) lives(ctx context.Context) error {
	var cpu time.Duration
	live := func(data string, callers, most int, atMost time.Duration) (rate, error) {
		said := newListener()
		s, err := b.serveTo(ctx, data, said)
		if err != nil {
			return rate{}, err
		}
		var service atomic.Int64
		r, err := load(ctx, callers, most, atMost, func() (func(int) error, func(), error) {
			c, err := dial(s.addr)
			if err != nil {
				return nil, nil, err
			}
			name := serviceName(int(service.Add(1)) - 1)
			return func(i int) error { return c.life(ctx, said, name, fmt.Sprintf("life-%d", i)) }, c.close, nil
		})
		if err != nil {
			return r, err
		}
		if cpu, err = s.cpu(); err != nil {
			return r, err
		}
		return r, b.stop()
	}
	lone, err := live("lone", 1, loneLives, loneTime)
	if err != nil {
		return err
	}
	b.add(figure{"a lone lifecycle, alert to RESOLVED, approved at once: p50", milliseconds(lone.percentile(0.5)), "ms", 20, true})
	b.add(figure{name: "  p99", value: milliseconds(lone.percentile(0.99)), unit: "ms"})
	many, err := live("lives", targets, 1<<30, lifeTime)
	if err != nil {
		return err
	}
	b.add(figure{"lifecycles of 64 services at once", many.perSecond(), "lives/s", 1000, false})
	b.add(figure{name: "  p50", value: milliseconds(many.percentile(0.5)), unit: "ms"})
	b.add(figure{name: "  CPU time of the server for each", value: float64(cpu.Microseconds()) / float64(len(many.latencies)), unit: "us"})
	return nil
}

// life takes one incident from its alert to RESOLVED, approving it.
func (c *conn) life(ctx context.Context, said *listener, service, key string) error {
	id, err := c.send(alert(service, key), false)
	if err != nil {
		return err
	}
	if err := said.await(ctx, id, "WAITING_FOR_APPROVAL"); err != nil {
		return err
	}
	status, answer, err := c.get("/approve-fix?incidentId=" + id)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("GET /approve-fix: %d %s: %w", status, answer, err)
	}
	return said.await(ctx, id, "RESOLVED")
}
