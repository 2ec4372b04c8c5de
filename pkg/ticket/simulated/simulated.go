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
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Bounds of a record, in bytes. A brief is bounded itself; this keeps a store's
// item small whatever becomes of that.
const (
	maxTitle = 300
	maxBody  = 32 * 1024
)

// Tracker opens simulated tickets.
type Tracker struct {
	name  string
	store integration.Tickets
	base  string
	now   func() time.Time
}

// Integration describes the tracker.
func Integration() integration.Descriptor[steps.Tracker] {
	return integration.New(incident.SimulatedTracker, "keeps tickets in OpsGuard's own store, where GET /tickets shows them; no real ticket is opened", New)
}

// New refuses an Env that gives no store, or no address that links could start
// with.
func New(env integration.Env, _ struct{}) (steps.Tracker, error) {
	u, err := url.Parse(env.PublicURL)
	switch {
	case env.Tickets == nil:
		return nil, errors.New("there is no store for tickets here")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("OPSGUARD_PUBLIC_URL: must be an http or https address without credentials, query or fragment")
	}
	return &Tracker{env.Name(), env.Tickets, strings.TrimRight(env.PublicURL, "/"), env.Now}, nil
}

// Name is what incidents record as the tracker.
func (t *Tracker) Name() string { return t.name }

// Open opens the incident's ticket, or returns the one that exists. The key is
// made from the incident's id, so asking twice, even at the same time, leaves one.
func (t *Tracker) Open(ctx context.Context, ref incident.Ref, b brief.Brief) (incident.Ticket, error) {
	ticket, err := t.ticket(ref, b)
	if err != nil {
		return incident.Ticket{}, err
	}
	stands, err := t.store.PutTicket(ctx, ticket)
	if err != nil {
		return incident.Ticket{}, fmt.Errorf("opening the simulated ticket %s: %w", ticket.Key, err)
	}
	if stands.IncidentID != ref.ID {
		return incident.Ticket{}, incident.Fail(incident.Conflict, incident.CodeDuplicate, "the ticket %s belongs to another incident", ticket.Key)
	}
	return incident.Ticket{Tracker: t.name, Key: stands.Key, URL: t.base + "/tickets/" + stands.Key}, nil
}

// Update writes the ticket anew. It tells nobody.
func (t *Tracker) Update(ctx context.Context, ref incident.Ref, _ incident.Ticket, b brief.Brief) error {
	ticket, err := t.ticket(ref, b)
	if err != nil {
		return err
	}
	if err := t.store.ReplaceTicket(ctx, ticket); err != nil {
		return fmt.Errorf("updating the simulated ticket %s: %w", ticket.Key, err)
	}
	return nil
}

// ticket is what is stored of an incident.
func (t *Tracker) ticket(ref incident.Ref, b brief.Brief) (incident.Ticket, error) {
	key, err := keyFor(ref)
	if err != nil {
		return incident.Ticket{}, err
	}
	// A ticket is read for longer and by more people than a notification; ways to
	// decide do not belong in it.
	b.Links = brief.Links{View: b.Links.View}
	return incident.Ticket{
		Tenant: ref.Tenant, Key: key, IncidentID: ref.ID,
		Title:     incident.Cut("[simulated] "+string(b.Title), maxTitle),
		Body:      incident.Cut(b.Text(), maxBody),
		CreatedAt: incident.Stamp(t.now()),
	}, nil
}

// keyFor is SIM- and the ULID of the incident's id.
func keyFor(ref incident.Ref) (string, error) {
	if ref.Tenant == "" || !incident.ValidID(ref.ID) {
		return "", incident.BadField("incidentId", "is not the id of an incident")
	}
	return "SIM-" + strings.TrimPrefix(ref.ID, incident.IDFromULID("")), nil
}
