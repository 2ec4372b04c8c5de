package stepstest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Env is a world for an integration under test: the secrets that are given, a
// real HTTP client that waits for nothing but the server, a clock that stands at
// 2026-11-24 10:00 UTC, and timers that fire at once. Change what a test needs
// otherwise.
func Env(secrets Secrets) integration.Env {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	return integration.Env{
		Secrets: secrets, HTTP: integration.NewHTTP(http.DefaultTransport), Outside: integration.NewOutside(),
		Now: func() time.Time { return at },
		After: func(time.Duration) <-chan time.Time {
			fired := make(chan time.Time, 1)
			fired <- at
			return fired
		},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Version: "test", PublicURL: "http://localhost:3000", Tickets: &Tickets{},
	}
}

// Secrets are by name; one that is not there is answered as a runtime does.
type Secrets map[string]string

// Secret implements integration.Secrets.
func (s Secrets) Secret(_ context.Context, _ integration.Kind, name string) (string, error) {
	if value, ok := s[name]; ok {
		return value, nil
	}
	return "", incident.Bad("%s: is not set", name)
}

// Place implements integration.Secrets.
func (s Secrets) Place(_ integration.Kind, name string) string { return name }

// Open opens one integration under the name test.
func Open[T any](t testing.TB, env integration.Env, kind integration.Kind, d integration.Descriptor[T], settings ...integration.Setting) integration.Opened[T] {
	t.Helper()
	opened, err := integration.Open(env, kind, []integration.Descriptor[T]{d}, []integration.Entry{{Name: "test", Type: d.Name, Settings: settings}})
	if err != nil {
		t.Fatal(err)
	}
	return opened[0]
}

// Tickets keeps tickets in memory.
type Tickets struct {
	mu   sync.Mutex
	kept map[string]incident.Ticket
	Fail error // what every call answers; nil to work
}

// PutTicket implements integration.Tickets.
func (m *Tickets) PutTicket(_ context.Context, t incident.Ticket) (incident.Ticket, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Fail != nil {
		return incident.Ticket{}, m.Fail
	}
	if m.kept == nil {
		m.kept = map[string]incident.Ticket{}
	}
	k := t.Tenant + "/" + t.Key
	if old, there := m.kept[k]; there {
		return old, nil
	}
	m.kept[k] = t
	return t, nil
}

// ReplaceTicket implements integration.Tickets.
func (m *Tickets) ReplaceTicket(_ context.Context, t incident.Ticket) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := t.Tenant + "/" + t.Key
	if old, there := m.kept[k]; there && m.Fail == nil {
		t.CreatedAt = old.CreatedAt
		m.kept[k] = t
	}
	return m.Fail
}

// Kept returns what is kept under a tenant and key, and how many tickets there
// are.
func (m *Tickets) Kept(tenant, key string) (t incident.Ticket, all int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[tenant+"/"+key], len(m.kept)
}
