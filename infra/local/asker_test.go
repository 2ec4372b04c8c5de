package local

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

// rationed takes five messages in two seconds, as Discord's webhooks do, and says of
// each other one how long to wait.
type rationed struct {
	mu     sync.Mutex
	window time.Time
	taken  int
	told   map[string]time.Time
}

func (r *rationed) Name() string { return "rationed" }

func (r *rationed) Post(_ context.Context, b brief.Brief) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.window) >= 2*time.Second {
		r.window, r.taken = now, 0
	}
	if r.taken == 5 {
		return "", incident.Limited("over the limit", time.Until(r.window.Add(2*time.Second)))
	}
	r.taken++
	r.told[b.IncidentID] = time.Now()
	return b.IncidentID, nil
}

// toldOf is when an incident was told, and how many were.
func (r *rationed) toldOf(id string) (at time.Time, told bool, all int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, told = r.told[id]
	return at, told, len(r.told)
}

func (r *rationed) Edit(context.Context, string, brief.Brief) error { return nil }

type noLinks struct{}

func (noLinks) Links(incident.Incident, string) brief.Links { return brief.Links{} }

// withStore runs a test in played time, with a store and a services.yaml that lists
// nothing.
func withStore(t *testing.T, run func(t *testing.T, store *bolt.Store, inv *inventory.Inventory)) {
	dir := t.TempDir()
	inv, err := inventory.Load([]byte("services: {}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		file, err := bolt.OpenFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		writer := commit.New(file)
		defer func() { writer.Close(); file.Close() }()
		run(t, bolt.New(file, writer), inv)
	})
}

func TestACriticalIncidentDoesNotWaitBehindAFlood(t *testing.T) {
	withStore(t, func(t *testing.T, store *bolt.Store, inv *inventory.Inventory) {
		channel := &rationed{told: map[string]time.Time{}}
		a := newAsker(time.Now, slog.New(slog.DiscardHandler))
		people := steps.People{Store: store, Inventory: inv, Channels: []steps.Channel{&patient{Channel: channel, now: time.Now}}, Links: noLinks{},
			Later: a.later, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		go a.run(ctx, store, people)
		ask := func(n int, severity incident.Severity) string {
			inc := waitingIncident(t, store, n, severity)
			_ = people.Ask(t.Context(), inc) // what fails is asked about later
			return inc.ID
		}
		for n := range 300 {
			ask(n, incident.High)
		}
		asked := time.Now()
		critical := ask(300, incident.Critical)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		at, told, _ := channel.toldOf(critical)
		if !told || at.Sub(asked) > 4*time.Second {
			t.Errorf("the critical incident behind 300 others was told: %v, after %s; want within the channel's next two turns", told, at.Sub(asked))
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if _, _, all := channel.toldOf(critical); all != 301 {
			t.Errorf("%d of 301 were told in 3 minutes by a channel that takes 150 a minute", all)
		}
		stop()
	})
}

func waitingIncident(t *testing.T, store *bolt.Store, n int, severity incident.Severity) incident.Incident {
	t.Helper()
	c := incident.Open(incident.New{Ref: incident.Ref{Tenant: tenant, ID: newID()}, By: incident.Local, ApprovalTimeout: time.Hour, Now: time.Now(),
		Alert: incident.Alert{Tenant: tenant, Source: "api", Service: "web", ErrorLogs: "x", Severity: severity, DedupKey: fmt.Sprint(n)}})
	put := func(c incident.Change, err error) incident.Incident {
		if err == nil {
			err = store.Commit(t.Context(), c)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c.Incident
	}
	inc := put(c, nil)
	return put(inc.Await(incident.Ask{ManualReason: "look", Token: incident.NewTaskToken("t"), EnteredAt: time.Now(), Now: time.Now()}))
}
