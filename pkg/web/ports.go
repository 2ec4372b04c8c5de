package web

import (
	"context"
	"net/http"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Ingester takes an alert: steps.IngestAlert.
type Ingester interface {
	Handle(ctx context.Context, in steps.IngestInput) (steps.Ingested, error)
}

// Receiver takes what a sender posts to POST /ingest/{source}, and tells one that asks
// whether it may: steps.ReceiveAlerts.
type Receiver interface {
	Handle(ctx context.Context, source string, r steps.Request) (steps.Received, error)
	Consent(source string, r steps.Request) (http.Header, error)
}

// Decider takes one person's word: steps.ApproveFix.
type Decider interface {
	Handle(ctx context.Context, in steps.ApproveFixInput) (steps.ApproveFixOutput, error)
}

// Reader reads the record: steps.QueryIncidents.
type Reader interface {
	Incident(ctx context.Context, ref incident.Ref) (incident.Incident, error)
	List(ctx context.Context, q steps.ListQuery) (steps.Page, error)
	Flood(ctx context.Context, inc incident.Incident) (incident.Flow, error)
	Latest(ctx context.Context, ref incident.Ref) (incident.Latest, error)
	Audit(ctx context.Context, ref incident.Ref) (incident.Incident, []incident.Event, error)
}

// Health tells whether the store answers.
type Health interface {
	Ping(ctx context.Context) error
}

// Tickets reads the simulated tracker, whose tickets have no other place to be
// seen. A cursor that is none is Invalid; an unknown key NotFound.
type Tickets interface {
	Tickets(ctx context.Context, tenant string, limit int, cursor string) (tickets []incident.Ticket, nextCursor string, err error)
	Ticket(ctx context.Context, tenant, key string) (incident.Ticket, error)
}

// Brake is the kill switch: steps.KillSwitch.
type Brake interface {
	Look(ctx context.Context) (incident.Brake, error)
	Set(ctx context.Context, to incident.Stop, by incident.Actor, reason string) (incident.Brake, error)
}

// KeySource gives the operators' keys for one request. It may cache them for as
// long as a revoked key may go on working.
type KeySource func(context.Context) (Keyring, error)

// FixedKeys is the source of keys that do not change while the process runs.
func FixedKeys(k Keyring) KeySource {
	return func(context.Context) (Keyring, error) { return k, nil }
}

// LinkKeySource gives the keys that links are verified with, like KeySource.
type LinkKeySource func(context.Context) (link.Keys, error)

// FixedLinkKeys is the source of link keys that do not change.
func FixedLinkKeys(k link.Keys) LinkKeySource {
	return func(context.Context) (link.Keys, error) { return k, nil }
}
