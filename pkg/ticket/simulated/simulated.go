// Package simulated is a ticket tracker of OpsGuard's own: it keeps its tickets
// in the product's store, so that escalation can be seen from end to end before a
// real tracker is connected. Every title says that the ticket is simulated.
package simulated

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Name is what incidents record as the tracker.
const Name = "simulated"

// Bounds of a record, in bytes. A brief is bounded itself; this keeps a store's
// item small whatever becomes of that.
const (
	maxTitle = 300
	maxBody  = 32 * 1024
)

// Record is one ticket. Title and Body hold text from outside; escape them where
// they are shown.
type Record struct {
	Tenant     string    `json:"tenant"`
	Key        string    `json:"key"`
	IncidentID string    `json:"incidentId"`
	Title      string    `json:"title"`
	Body       string    `json:"body"`
	CreatedAt  time.Time `json:"createdAt"`
}

// Store keeps tickets. Errors are incident.Error, Unavailable when the store
// fails.
type Store interface {
	// PutTicket writes t unless the tenant has a ticket of that key, and returns
	// the one that stands.
	PutTicket(ctx context.Context, t Record) (Record, error)
	// Tickets lists a tenant's tickets, newest key first, at most limit; next is the cursor of
	// the page that follows, "" after the last.
	Tickets(ctx context.Context, tenant string, limit int, cursor string) (page []Record, next string, err error)
}

// Config is what a Tracker needs; every field is required.
type Config struct {
	Store     Store
	PublicURL string // what links start with, http or https; a path is kept
	Now       func() time.Time
}

// Tracker opens simulated tickets.
type Tracker struct {
	store Store
	base  string
	now   func() time.Time
}

// New refuses a Config with a field missing or wrong, by its name.
func New(cfg Config) (*Tracker, error) {
	u, err := url.Parse(cfg.PublicURL)
	switch {
	case cfg.Store == nil:
		return nil, errors.New("ticket/simulated: Store is missing")
	case cfg.Now == nil:
		return nil, errors.New("ticket/simulated: Now is missing")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("ticket/simulated: PublicURL must be an http or https address without credentials, query or fragment")
	}
	return &Tracker{cfg.Store, strings.TrimRight(cfg.PublicURL, "/"), cfg.Now}, nil
}

// Open opens the incident's ticket, or returns the one that exists. The key is
// made from the incident's id, so asking twice, even at the same time, leaves one.
func (t *Tracker) Open(ctx context.Context, ref incident.Ref, b brief.Brief) (incident.Ticket, error) {
	key, err := keyFor(ref)
	if err != nil {
		return incident.Ticket{}, err
	}
	// A ticket is read for longer and by more people than a notification; ways to
	// decide do not belong in it.
	b.Links = brief.Links{View: b.Links.View}
	stands, err := t.store.PutTicket(ctx, Record{
		Tenant: ref.Tenant, Key: key, IncidentID: ref.ID,
		Title:     incident.Cut("[simulated] "+string(b.Title), maxTitle),
		Body:      incident.Cut(b.Text(), maxBody),
		CreatedAt: incident.Stamp(t.now()),
	})
	if err != nil {
		return incident.Ticket{}, fmt.Errorf("opening the simulated ticket %s: %w", key, err)
	}
	if stands.IncidentID != ref.ID {
		return incident.Ticket{}, incident.Fail(incident.Conflict, incident.CodeDuplicate, "the ticket %s belongs to another incident", key)
	}
	return incident.Ticket{Tracker: Name, Key: stands.Key, URL: t.base + "/tickets/" + stands.Key}, nil
}

// keyFor is SIM- and the ULID of the incident's id.
func keyFor(ref incident.Ref) (string, error) {
	if ref.Tenant == "" || !incident.ValidID(ref.ID) {
		return "", incident.BadField("incidentId", "is not the id of an incident")
	}
	return "SIM-" + strings.TrimPrefix(ref.ID, incident.IDFromULID("")), nil
}
