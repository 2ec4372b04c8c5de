package local

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

// shut takes no edit until some time.
type shut struct {
	rationed
	mu    sync.Mutex
	until time.Time
	last  brief.Brief
}

func (l *shut) Edit(_ context.Context, _ string, b brief.Brief) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := time.Until(l.until); wait > 0 {
		return incident.Limited("over the limit", wait)
	}
	l.last = b
	return nil
}

// A group's message that its channel takes again in a moment does not wait for reconcile.
func TestAMessageOverTheLimitIsEditedWhenItIsTakenAgain(t *testing.T) {
	withStore(t, func(t *testing.T, kept *bolt.Store, inv *inventory.Inventory) {
		store := attentive{kept, make(chan struct{}, 1)}
		channel := &shut{rationed: rationed{told: map[string]time.Time{}}, until: time.Now().Add(3 * time.Second)}
		people := steps.People{Store: store, Inventory: inv, Channels: []steps.Channel{channel}, Links: noLinks{},
			Together: steps.Together{Groups: store, Window: 5 * time.Minute}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		go store.tell(ctx, steps.Reconcile{Store: store, People: people, Ticket: steps.CreateTicket{Now: time.Now}, Tenant: tenant, Log: people.Log})
		inc := waitingIncident(t, store.Store, 1, incident.High)
		if err := people.Ask(t.Context(), inc); err != nil {
			t.Fatal(err)
		}
		inc, err := store.Load(t.Context(), inc.Ref)
		if err != nil {
			t.Fatal(err)
		}
		c, err := inc.Settle(incident.ReasonApprovalTimeout, time.Now())
		if err == nil {
			err = store.Commit(t.Context(), c)
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if channel.last.IncidentID != inc.ID {
			t.Error("the message was not edited")
		}
		stop()
	})
}
