package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

const (
	starts  = 10
	clients = 32
	// alerts is how many a rate is taken over: enough to last for seconds, few
	// enough that they do not become the load that the next figure is about.
	alerts = 6000
	// longest bounds one rate's time.
	longest = 15 * time.Second
)

// start measures how long a fresh server takes to its first healthy answer, and
// what it holds when it then does nothing.
func (b *bench) start(ctx context.Context) error {
	var took []time.Duration
	var memory float64
	for i := range starts {
		s, err := b.serve(ctx, fmt.Sprintf("start-%d", i))
		if err != nil {
			return err
		}
		took = append(took, s.healthy)
		if i == starts-1 {
			if err := rest(ctx); err != nil {
				return err
			}
			if memory, _, err = s.memory(); err != nil {
				return err
			}
		}
		if err := b.stop(); err != nil {
			return err
		}
	}
	slices.Sort(took)
	b.add(figure{"start to first healthy answer, median of 10", milliseconds(took[starts/2]), "ms", 300, true})
	b.add(figure{"idle memory (RSS)", memory, "MiB", 64, true})
	return nil
}

// rest gives a server the time to finish its first scheduled runs.
func rest(ctx context.Context) error {
	idle := time.NewTimer(3 * time.Second)
	defer idle.Stop()
	select {
	case <-idle.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bare measures the floor under any durable ingest here: as many callers put the
// same bytes into a bare bbolt file, synced, a batch waiting 1 ms for company.
func (b *bench) bare(ctx context.Context) error {
	r, err := b.puts(ctx, "bare.db", 2*alerts)
	b.barePerSecond = r.perSecond()
	return err
}

// bareAgain measures it once more after the ingest: on a machine that others use
// too, one of the two would compare with another hour.
func (b *bench) bareAgain(ctx context.Context) error {
	r, err := b.puts(ctx, "bare-again.db", 2*alerts)
	if err != nil {
		return err
	}
	mean := (b.barePerSecond + r.perSecond()) / 2
	b.add(figure{name: "bare bbolt batch put of the same bytes, 32 callers", value: mean, unit: "puts/s"})
	b.add(figure{"  ingest's ratio to it", b.ingestPerSecond / mean, "", 0.5, false})
	return nil
}

func (b *bench) puts(ctx context.Context, file string, most int) (rate, error) {
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
	r, err := load(ctx, clients, most, longest, func() (func(int) error, func(), error) {
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

// ingest measures new incidents: how fast they are taken, and how fast people
// are asked about them.
func (b *bench) ingest(ctx context.Context) error {
	s, err := b.serve(ctx, "ingest")
	if err != nil {
		return err
	}
	begun := time.Now()
	r, err := flood(ctx, s, "new", alerts)
	if err != nil {
		return err
	}
	b.ingestPerSecond = r.perSecond()
	b.add(figure{name: "POST /ingest-alert, each a new incident, 32 clients", value: r.perSecond(), unit: "requests/s"})
	b.add(figure{name: "  p50", value: milliseconds(r.percentile(0.5)), unit: "ms"})
	b.add(figure{name: "  p99", value: milliseconds(r.percentile(0.99)), unit: "ms"})
	if err := untilAllWait(ctx, s); err != nil {
		return err
	}
	b.add(figure{name: "  analysed, people asked, waiting", value: float64(len(r.latencies)) / time.Since(begun).Seconds(), unit: "incidents/s"})
	return b.stop()
}

// joins measures the same alert again and again.
func (b *bench) joins(ctx context.Context) error {
	s, err := b.serve(ctx, "joins")
	if err != nil {
		return err
	}
	body := alert(serviceName(0), "the same")
	first, err := dial(s.addr)
	if err != nil {
		return err
	}
	defer first.close()
	if _, err := first.send(body, false); err != nil {
		return err
	}
	if err := untilAllWait(ctx, s); err != nil {
		return err
	}
	r, err := load(ctx, clients, 3*alerts, longest, func() (func(int) error, func(), error) {
		c, err := dial(s.addr)
		if err != nil {
			return nil, nil, err
		}
		return func(int) error { _, err := c.send(body, true); return err }, c.close, nil
	})
	if err != nil {
		return err
	}
	b.add(figure{name: "POST /ingest-alert, the same alert, 32 clients", value: r.perSecond(), unit: "requests/s"})
	b.add(figure{name: "  p99", value: milliseconds(r.percentile(0.99)), unit: "ms"})
	return b.stop()
}
