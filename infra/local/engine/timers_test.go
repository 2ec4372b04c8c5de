package engine

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsguard/opsguard/infra/local/clock"
	"github.com/opsguard/opsguard/pkg/asl"
)

// moved is a wall clock that a test sets, and the bubble's own as the monotonic one.
type moved struct {
	began time.Time
	by    atomic.Int64
}

func (m *moved) wall() time.Time { return time.Now().Add(time.Duration(m.by.Load())) }

func (m *moved) clock() *clock.Clock {
	m.began = time.Now()
	return clock.Of(func() (time.Time, time.Duration) { return m.wall(), time.Since(m.began) })
}

// A person has an hour. The wall clock is set while they have it.
func TestSettingTheWallClockBackLengthensNoWait(t *testing.T) {
	for name, test := range map[string]struct {
		by, over time.Duration // when the hour is over, by the monotonic clock
	}{
		"not at all": {0, time.Hour}, "back by a day": {-24 * time.Hour, time.Hour}, "back by a second": {-time.Second, time.Hour},
		"forward by half an hour": {30 * time.Minute, 30 * time.Minute}, "forward by a day": {24 * time.Hour, 10 * time.Minute},
	} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, approval, nil)
			w.close()
			var m moved
			w.config.Now = m.clock().Now
			w.open()
			defer w.close()
			w.start("run")
			time.Sleep(10 * time.Minute)
			m.by.Store(int64(test.by))
			time.Sleep(test.over - 10*time.Minute - time.Millisecond)
			synctest.Wait()
			if test.over > 10*time.Minute {
				w.wantStatus("run", asl.Running)
			}
			time.Sleep(longestWait + time.Millisecond)
			synctest.Wait()
			if d := w.describe("run"); d.Status == asl.Running || w.called("ticket") != 1 {
				t.Errorf("%s: after %s: %+v, calls %v", name, test.over+longestWait, d, w.calls)
			}
		})
	}
}
