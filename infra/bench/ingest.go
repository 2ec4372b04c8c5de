package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

const (
	clients = 32
	// alerts is how many a rate is taken over: enough to last for a second, few
	// enough that they do not become the load that the next figure is about.
	alerts = 6000
	// rounds is how often a ratio is taken; its median counts. On a machine that
	// others use too, one round would compare a busy moment with a quiet one.
	rounds = 3
	// longest bounds one rate's time.
	longest = 15 * time.Second
)

// flow is what one kind of alert did in each round.
type flow struct {
	perSecond, ratio, cpu []float64
	p50, p99              []time.Duration
}

func (f *flow) add(r rate, bare float64, cpu time.Duration) {
	f.perSecond = append(f.perSecond, r.perSecond())
	f.ratio = append(f.ratio, r.perSecond()/bare)
	f.cpu = append(f.cpu, float64(cpu.Microseconds())/float64(len(r.latencies)))
	f.p50, f.p99 = append(f.p50, r.percentile(0.5)), append(f.p99, r.percentile(0.99))
}

func (f *flow) show(b *bench, name string, aim float64) {
	b.add(figure{name: name, value: median(f.perSecond), unit: "requests/s"})
	b.add(figure{name: "  p50", value: milliseconds(median(f.p50)), unit: "ms"})
	b.add(figure{name: "  p99", value: milliseconds(median(f.p99)), unit: "ms"})
	b.add(figure{name: "  CPU time of the server for each", value: median(f.cpu), unit: "us"})
	b.add(figure{"  ratio to the bare put", median(f.ratio), "", aim, false})
}

// ingest measures how alerts are taken, new and repeated ones, against the floor
// under any durable ingest here, which is measured before and after them.
func (b *bench) ingest(ctx context.Context) error {
	var bare, waiting []float64
	var unique, repeated flow
	for i := range rounds {
		before, err := b.bare(ctx, fmt.Sprintf("bare-%d-a.db", i))
		if err != nil {
			return err
		}
		fresh, freshCPU, asked, err := b.newIncidents(ctx, fmt.Sprintf("new-%d", i))
		if err != nil {
			return err
		}
		same, sameCPU, err := b.joins(ctx, fmt.Sprintf("joins-%d", i))
		if err != nil {
			return err
		}
		after, err := b.bare(ctx, fmt.Sprintf("bare-%d-b.db", i))
		if err != nil {
			return err
		}
		mean := (before.perSecond() + after.perSecond()) / 2
		bare, waiting = append(bare, mean), append(waiting, asked)
		unique.add(fresh, mean, freshCPU)
		repeated.add(same, mean, sameCPU)
	}
	b.add(figure{name: "bare bbolt batch put of the same bytes, 32 callers", value: median(bare), unit: "puts/s"})
	unique.show(b, "POST /ingest-alert, each a new incident, 32 clients", 0.5)
	b.add(figure{name: "  analysed, people asked, waiting", value: median(waiting), unit: "incidents/s"})
	repeated.show(b, "POST /ingest-alert, the same alert, 32 clients", 0.9)
	b.ingestPerSecond = median(unique.perSecond)
	return nil
}

// bare has as many callers put the same bytes into a bare bbolt file, synced, a
// batch waiting 1 ms for company.
func (b *bench) bare(ctx context.Context, file string) (rate, error) {
	db, err := bbolt.Open(filepath.Join(b.dir, file), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return rate{}, err
	}
	db.MaxBatchDelay = time.Millisecond
	bucket := []byte("alerts")
	err = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket(bucket); return err })
	if err != nil {
		return rate{}, errors.Join(err, db.Close())
	}
	r, err := load(ctx, clients, 2*alerts, longest, func() (func(int) error, func(), error) {
		return func(i int) error {
			key := fmt.Sprintf("key-%08d", i)
			body := alert(serviceName(i%targets), key)
			return db.Batch(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put([]byte(key), body) })
		}, func() {}, nil
	})
	return r, errors.Join(err, db.Close())
}

// flood sends most alerts by 32 clients, each opening an incident.
func flood(ctx context.Context, s *server, prefix string, most int) (rate, error) {
	return load(ctx, clients, most, longest, func() (func(int) error, func(), error) {
		c, err := dial(s.addr)
		if err != nil {
			return nil, nil, err
		}
		return func(i int) error {
			_, err := c.send(alert(serviceName(i%targets), fmt.Sprintf("%s-%08d", prefix, i)), false)
			return err
		}, c.close, nil
	})
}

// newIncidents measures how fast new incidents are taken, and how fast people are
// asked about them.
func (b *bench) newIncidents(ctx context.Context, data string) (r rate, cpu time.Duration, asked float64, err error) {
	s, err := b.serve(ctx, data)
	if err != nil {
		return r, 0, 0, err
	}
	before, err := s.cpu()
	if err != nil {
		return r, 0, 0, err
	}
	begun := time.Now()
	if r, err = flood(ctx, s, "new", alerts); err != nil {
		return r, 0, 0, err
	}
	after, err := s.cpu()
	if err == nil {
		err = untilAllWait(ctx, s)
	}
	asked = float64(len(r.latencies)) / time.Since(begun).Seconds()
	return r, after - before, asked, errors.Join(err, b.stop())
}

// joins measures the same alert again and again.
func (b *bench) joins(ctx context.Context, data string) (r rate, cpu time.Duration, err error) {
	s, err := b.serve(ctx, data)
	if err != nil {
		return r, 0, err
	}
	body := alert(serviceName(0), "the same")
	first, err := dial(s.addr)
	if err != nil {
		return r, 0, err
	}
	defer first.close()
	if _, err := first.send(body, false); err != nil {
		return r, 0, err
	}
	if err := untilAllWait(ctx, s); err != nil {
		return r, 0, err
	}
	before, err := s.cpu()
	if err != nil {
		return r, 0, err
	}
	if r, err = load(ctx, clients, 2*alerts, longest, func() (func(int) error, func(), error) {
		c, err := dial(s.addr)
		if err != nil {
			return nil, nil, err
		}
		return func(int) error { _, err := c.send(body, true); return err }, c.close, nil
	}); err != nil {
		return r, 0, err
	}
	after, err := s.cpu()
	return r, after - before, errors.Join(err, b.stop())
}
