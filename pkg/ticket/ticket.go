// Package ticket opens the tracker that escalated incidents go to. The simulated
// one is the only one yet; a real one is a child package and a case in Open.
package ticket

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
)

// Settings is what the trackers need; every field is required.
type Settings struct {
	PublicURL string // OPSGUARD_PUBLIC_URL: what the ticket's link starts with
	Now       func() time.Time
}

// Tracker opens a ticket, once for an incident (it is steps.Tracker).
type Tracker interface {
	Open(ctx context.Context, ref incident.Ref, b brief.Brief) (incident.Ticket, error)
}

// Open returns the tracker that the settings ask for. It calls nobody. store is
// where the simulated tracker keeps its tickets.
func Open(s Settings, store simulated.Store) (Tracker, error) {
	tracker, err := simulated.New(simulated.Config{Store: store, PublicURL: s.PublicURL, Now: s.Now})
	if err != nil {
		return nil, err // not tracker: a nil pointer in an interface is not nil
	}
	return tracker, nil
}
