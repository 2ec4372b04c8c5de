package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// rate is what a load saw.
type rate struct {
	took      time.Duration
	latencies []time.Duration // sorted
}

func (r rate) perSecond() float64 { return float64(len(r.latencies)) / r.took.Seconds() }

func (r rate) percentile(p float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(int(p*float64(len(r.latencies))), len(r.latencies)-1)]
}

// caller is one of those who do calls at once.
type caller = func() (do func(i int) error, done func(), err error)

// load has each of n callers, one after another, do calls until there have been
// most of them or the time is up. The first error ends it.
func load(ctx context.Context, n, most int, atMost time.Duration, c caller) (rate, error) {
	return loadWhen(ctx, n, most, atMost, c, func(context.Context, int, int) {})
}

// paced has each of n callers do one call each second, however long it takes; they begin
// one after another within the first second.
func paced(ctx context.Context, n, seconds int, c caller) (rate, error) {
	begun := time.Now()
	return loadWhen(ctx, n, n*seconds, time.Duration(seconds)*time.Second+longest, c, func(ctx context.Context, k, call int) {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(begun.Add(time.Duration(call)*time.Second + time.Duration(k)*time.Second/time.Duration(n)))):
		}
	})
}

// loadWhen is load where caller k waits before each of its calls.
func loadWhen(ctx context.Context, n, most int, atMost time.Duration, c caller, wait func(ctx context.Context, k, call int)) (rate, error) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	var next atomic.Int64
	var group sync.WaitGroup
	latencies, errs := make([][]time.Duration, n), make([]error, n)
	begun := time.Now()
	for k := range n {
		do, done, err := c()
		if err != nil {
			errs[k] = err
			cancel()
			break
		}
		group.Go(func() {
			defer done()
			for i := int(next.Add(1)); i <= most && ctx.Err() == nil; i = int(next.Add(1)) {
				wait(ctx, k, len(latencies[k]))
				at := time.Now()
				if errs[k] = do(i); errs[k] != nil {
					cancel()
					return
				}
				latencies[k] = append(latencies[k], time.Since(at))
			}
		})
	}
	group.Wait()
	r := rate{time.Since(begun), slices.Concat(latencies...)}
	slices.Sort(r.latencies)
	return r, errors.Join(errs...)
}

// median sorts what it is given.
func median[T int | float64 | time.Duration](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}
