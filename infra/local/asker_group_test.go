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

// strict is rationed with edits that count too, as Discord's do, and counts what it refuses.
type strict struct {
	rationed
	mu             sync.Mutex
	posts, refused int
	last           brief.Brief
}

func (s *strict) Post(ctx context.Context, b brief.Brief) (string, error) {
	id, err := s.rationed.Post(ctx, b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.refused++
	} else {
		s.posts++
		s.last = b
	}
	return id, err
}

func (s *strict) Edit(ctx context.Context, _ string, b brief.Brief) error {
	_, err := s.rationed.Post(ctx, b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.refused++
	} else {
		s.last = b
	}
	return err
}

// A storm that is one group is one message, and the channel that is over its limit is left
// alone: a sender that goes on calling is barred.
func TestAStormOfOneGroupLeavesAChannelAloneThatIsOverItsLimit(t *testing.T) {
	withStore(t, func(t *testing.T, store *bolt.Store, inv *inventory.Inventory) {
		channel := &strict{rationed: rationed{told: map[string]time.Time{}}}
		a := newAsker(time.Now, slog.New(slog.DiscardHandler))
		people := steps.People{Store: store, Inventory: inv, Channels: []steps.Channel{&patient{Channel: channel, now: time.Now}}, Links: noLinks{},
			Together: steps.Together{Groups: store, Window: 5 * time.Minute}, Later: a.later, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		go a.run(ctx, store, people)
		var refs []incident.Ref
		for n := range 300 {
			inc := waitingIncident(t, store, n, incident.High)
			refs = append(refs, inc.Ref)
			_ = people.Ask(t.Context(), inc)
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, ref := range refs {
			if inc, err := store.Load(t.Context(), ref); err != nil || inc.Asked.NotifiedAt == nil {
				t.Fatalf("people were not told of %s: %v", ref.ID, err)
			}
		}
		if shown := 1 + len(channel.last.Others) + channel.last.MoreOthers; channel.posts != 1 || shown != 300 || channel.refused > 10 {
			t.Errorf("%d messages, the last shows %d incidents; the channel refused %d calls", channel.posts, shown, channel.refused)
		}
		stop()
	})
}
