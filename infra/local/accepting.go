package local

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// accepting counts the alerts that are being accepted, so that the work behind
// accepted ones can step back for a moment: in a storm of alerts an answer that
// comes late makes a sender give up, an analysis that comes late does no harm.
type accepting struct {
	mu      sync.Mutex
	busy    int
	calm    chan struct{} // closed when busy falls to 0; nil while it is 0
	crowded time.Time     // when busy was last as high as crowd
}

const (
	// crowd is how many alerts at once are a storm.
	crowd = 16
	// lull is how long a storm may pause without being over. Alerts that share a sync
	// are answered together, and then their senders take a moment for the next ones.
	lull = 20 * time.Millisecond
)

// handler counts the alerts that pass through to next.
func (a *accepting) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ingest-alert" || strings.HasPrefix(r.URL.Path, "/ingest/") {
			a.enter()
			defer a.leave()
		}
		next.ServeHTTP(w, r)
	})
}

func (a *accepting) enter() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy++; a.busy == 1 {
		a.calm = make(chan struct{})
	}
	if a.busy >= crowd {
		a.crowded = time.Now()
	}
}

func (a *accepting) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy--; a.busy == 0 {
		close(a.calm)
		a.calm = nil
	}
}

// stepBack waits until no alert is being accepted and no storm is on, but not longer
// than patience: a storm without end slows the work behind it down, it does not stop it.
func (a *accepting) stepBack(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		calm, pause := a.state()
		switch {
		case calm != nil:
			select {
			case <-calm:
			case <-ctx.Done():
				return
			}
		case pause > 0:
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
		default:
			return
		}
	}
}

// state returns what to wait for: calm, then the time in which a storm may go on.
func (a *accepting) state() (calm <-chan struct{}, pause time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calm, lull - time.Since(a.crowded)
}
