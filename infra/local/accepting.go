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
	mu   sync.Mutex
	busy int
	calm chan struct{} // closed when busy falls to 0; nil while it is 0
}

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
}

func (a *accepting) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy--; a.busy == 0 {
		close(a.calm)
		a.calm = nil
	}
}

// stepBack waits until no alert is being accepted, but not longer than patience:
// a storm without end slows the work behind it down, it does not stop it.
func (a *accepting) stepBack(ctx context.Context, patience time.Duration) {
	a.mu.Lock()
	calm := a.calm
	a.mu.Unlock()
	if calm == nil {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-calm:
	case <-timer.C:
	case <-ctx.Done():
	}
}
