package stepfn

import (
	"context"
	"sync"
	"time"
)

// describeEvery keeps a third of AWS's default quota on DescribeExecution, 15 calls a
// second for an account and region, for others in the account.
const describeEvery = time.Second / 10

// pace lets calls go out one after the other, at most one in every. The zero value of
// next lets the first go at once.
type pace struct {
	every time.Duration

	mu   sync.Mutex
	next time.Time
}

// wait returns when the caller may go, or when ctx ends before that.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.every)
	p.mu.Unlock()
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
