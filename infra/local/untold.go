package local

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// attentive is the store of the steps after which nobody brings ticket and messages up
// to date. It says so, so that this need not wait for reconcile.
type attentive struct {
	*bolt.Store
	untold chan struct{} // holds one when there may be something to tell
}

// Commit implements steps.Incidents.
func (s attentive) Commit(ctx context.Context, c incident.Change) error {
	err := s.Store.Commit(ctx, c)
	if err == nil && c.Untold {
		select {
		case s.untold <- struct{}{}:
		default:
		}
	}
	return err
}

// longestWait is how long tell waits for a channel at most, while there may be more to tell.
const longestWait = time.Minute

// tell has it told until ctx ends.
func (s attentive) tell(ctx context.Context, r steps.Reconcile) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.untold:
		}
		_, err := r.TellUntold(ctx) // it has logged what failed, and the next reconcile tries again
		wait := min(incident.WaitOf(err), longestWait)
		if wait <= 0 {
			continue
		}
		select { // a channel is over its limit, and said until when
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		select {
		case s.untold <- struct{}{}:
		default:
		}
	}
}
