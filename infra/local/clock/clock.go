// Package clock tells the time by which the one-machine runtime judges deadlines.
// Start at New.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock follows the machine's wall clock forward, and goes on by the monotonic clock
// where the wall clock is set back: no deadline moves away while the process lives.
// A wait that was to last an hour is over after one hour of the monotonic clock, or
// sooner if the wall clock was set forward meanwhile.
//
// After a wall clock was set back, the time told here is ahead of it by as much, in
// records too, until the wall clock catches up or the process starts again. What
// remains: a process that starts after the clock was set back knows only the wall
// clock, and waits that it carries on last longer by as much. The monotonic clock of
// Linux stands still while the machine sleeps; the wall clock that has moved on by
// then is followed.
type Clock struct {
	read  func() (wall time.Time, elapsed time.Duration)
	start time.Time    // the wall clock's time when elapsed was 0
	ahead atomic.Int64 // nanoseconds by which the time told exceeds start + elapsed; never falls
}

// New starts a clock at the wall clock's time.
func New() *Clock {
	began := time.Now()
	return Of(func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(began) // Round(0) leaves the wall clock's reading
	})
}

// Of makes a clock of other readings: elapsed never falls, wall may do anything. A
// test moves them apart.
func Of(read func() (wall time.Time, elapsed time.Duration)) *Clock {
	wall, elapsed := read()
	return &Clock{read: read, start: wall.Add(-elapsed)}
}

// Now is the time. It never falls behind what an earlier call told by more than the
// monotonic clock's own steps.
func (c *Clock) Now() time.Time {
	wall, elapsed := c.read()
	steady := c.start.Add(elapsed)
	for {
		ahead := c.ahead.Load()
		behind := int64(wall.Sub(steady))
		if behind <= ahead {
			return steady.Add(time.Duration(ahead))
		}
		if c.ahead.CompareAndSwap(ahead, behind) {
			return wall
		}
	}
}

// SetBack is by how much the wall clock is behind the time told, 0 if it is not.
func (c *Clock) SetBack() time.Duration {
	wall, _ := c.read()
	return max(0, c.Now().Sub(wall))
}
