package local

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAStopReachesTheScheduledRunThatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			every(ctx, time.Hour, "job", slog.New(slog.NewTextHandler(&logged, nil)), func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			})
		}()
		synctest.Wait()
		stop()
		<-ended // or all are stuck, which fails
		if logged.Len() > 0 {
			t.Errorf("a stop is told as a failure: %s", &logged)
		}
	})
}

func TestAScheduledRunThatFailsIsToldAndComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		runs := 0
		go every(ctx, time.Hour, "job", slog.New(slog.NewTextHandler(&logged, nil)), func(context.Context) error {
			runs++
			return errors.New("out of reach")
		})
		<-time.After(90 * time.Minute)
		synctest.Wait()
		if told := strings.Count(logged.String(), "out of reach"); runs != 2 || told != 2 {
			t.Errorf("%d runs, told %d times, want 2", runs, told)
		}
	})
}
