package local

import (
	"context"
	"log/slog"
	"time"
)

// every runs job at once and then each interval, never twice at a time, until
// ctx ends. A job whose ctx ends comes to an end soon; the start after it runs it at
// once. A failed run is logged and comes again with the next.
func every(ctx context.Context, interval time.Duration, name string, log *slog.Logger, job func(context.Context) error) {
	for {
		begun := time.Now()
		if err := job(ctx); err != nil && ctx.Err() == nil {
			log.Warn("scheduled run failed", "job", name, "error", err.Error())
		}
		timer := time.NewTimer(max(0, interval-time.Since(begun)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}
