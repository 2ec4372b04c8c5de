package main

import (
	"context"
	"fmt"
	"time"
)

const starts = 10

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
	b.add(figure{"start to first healthy answer, median of 10", milliseconds(median(took)), "ms", 300, true})
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
