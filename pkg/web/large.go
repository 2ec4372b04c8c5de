package web

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// A sender proves itself by its body, so the body is held before anybody knows whose it
// is. What strangers can make a process hold is therefore bounded: smallBody bytes for
// each connection, and a few larger bodies at a time.
const (
	smallBody     = 64 << 10
	largeBodies   = 16
	largePatience = 5 * time.Second // how long one more large body waits for its turn
)

// largeTurns holds one for each large body that is read or being worked on.
type largeTurns chan struct{}

func newLargeTurns() largeTurns { return make(largeTurns, largeBodies) }

// largePlace is one request's turn.
type largePlace struct {
	turns largeTurns
	taken bool
}

// take waits for a turn.
func (p *largePlace) take(ctx context.Context) error {
	patience := time.NewTimer(largePatience)
	defer patience.Stop()
	select {
	case p.turns <- struct{}{}:
		p.taken = true
		return nil
	case <-patience.C:
	case <-ctx.Done():
	}
	return incident.Unavail("too many large requests are under way; send it again", nil)
}

func (p *largePlace) giveBack() {
	if p.taken {
		<-p.turns
	}
}
