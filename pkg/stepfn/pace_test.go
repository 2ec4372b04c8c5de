package stepfn

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// AWS answers 15 DescribeExecution calls a second for the whole account.
func TestExecutionsAreAskedForWithinTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{every: describeEvery}
		begun := time.Now()
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				for range 25 {
					if err := p.wait(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		callers.Wait()
		if took := time.Since(begun); took < 99*time.Second/15 {
			t.Errorf("100 calls went out in %s", took)
		}
		time.Sleep(time.Hour) // played; what was not used is not saved up
		begun = time.Now()
		for range 16 {
			if err := p.wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took < time.Second {
			t.Errorf("16 calls went out in %s after a pause", took)
		}
	})
}

func TestAQuestionThatHasNoTimeLeftIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{every: time.Minute}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.wait(ctx); err != nil {
			t.Error(err)
		}
		if err := p.wait(ctx); err == nil {
			t.Error("asked")
		}
	})
}
