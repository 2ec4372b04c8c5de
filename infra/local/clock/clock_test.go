package clock

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// pair is a wall clock and a monotonic one that a test moves apart.
type pair struct {
	wall    time.Time
	elapsed time.Duration
}

func (p *pair) pass(d time.Duration) { p.wall, p.elapsed = p.wall.Add(d), p.elapsed+d }

func (p *pair) clock() *Clock {
	return Of(func() (time.Time, time.Duration) { return p.wall, p.elapsed })
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func TestAClockThatIsSetBackLengthensNoWait(t *testing.T) {
	p := &pair{wall: noon}
	c := p.clock()
	deadline := c.Now().Add(time.Hour)
	p.pass(10 * time.Minute)
	p.wall = p.wall.Add(-24 * time.Hour)
	p.pass(50*time.Minute - 1)
	if !c.Now().Before(deadline) {
		t.Errorf("the hour was over early, at %s", c.Now())
	}
	p.pass(1)
	if c.Now().Before(deadline) {
		t.Errorf("after an hour it is %s, before %s", c.Now(), deadline)
	}
	if got := c.SetBack(); got != 24*time.Hour {
		t.Errorf("set back by %s", got)
	}
}

// A machine that slept, or whose clock was late, goes on by the right time.
func TestAClockThatIsSetForwardIsFollowed(t *testing.T) {
	p := &pair{wall: noon}
	c := p.clock()
	p.wall = p.wall.Add(8 * time.Hour)
	if got := c.Now(); !got.Equal(noon.Add(8 * time.Hour)) {
		t.Errorf("%s", got)
	}
	// Set forward by mistake, and back again: what began in between is not lengthened.
	deadline := c.Now().Add(time.Hour)
	p.wall = p.wall.Add(-8 * time.Hour)
	p.pass(time.Hour)
	if c.Now().Before(deadline) {
		t.Errorf("after an hour it is %s, before %s", c.Now(), deadline)
	}
	p.wall = p.wall.Add(8 * time.Hour)
	if got := c.SetBack(); got != 0 {
		t.Errorf("with the wall clock again, and behind by %s", got)
	}
}

// Whatever happens to the wall clock: the time told passes at least as fast as the
// monotonic clock, and is never behind the wall clock.
func TestTheTimeNeverRunsSlowerThanTheMonotonicClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &pair{wall: noon, elapsed: time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "start"))}
		c := p.clock()
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			before := c.Now()
			d := time.Duration(rapid.Int64Range(0, 1e13).Draw(t, "passes"))
			p.pass(d)
			p.wall = p.wall.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "jumps")))
			now := c.Now()
			if now.Sub(before) < d || now.Before(p.wall) {
				t.Fatalf("%s passed and the time went from %s to %s; the wall clock says %s", d, before, now, p.wall)
			}
		}
	})
}

func TestTheRealClocksTellTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		time.Sleep(90 * time.Minute)
		if got := c.Now(); !got.Equal(time.Now()) || c.SetBack() != 0 {
			t.Errorf("%s, it is %s", got, time.Now())
		}
	})
}

func TestManyMayAskAtOnce(t *testing.T) {
	c := New()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			last := c.Now()
			for range 10_000 {
				now := c.Now()
				if now.Before(last) {
					t.Errorf("%s after %s", now, last)
					return
				}
				last = now
			}
		})
	}
	all.Wait()
}

func BenchmarkNow(b *testing.B) {
	c := New()
	for b.Loop() {
		c.Now()
	}
}
