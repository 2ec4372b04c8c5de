package steps

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// Loader reads the record, consistently: what was committed before is seen.
// NotFound when there is none; Unavailable when the store fails.
type Loader interface {
	Load(ctx context.Context, ref incident.Ref) (incident.Incident, error)
}

// Incidents is the record. Commit writes a Change whole or answers Conflict
// (CodeVersion, CodeDuplicate, CodeStopped, CodeTargetBusy), or Unavailable when the store
// fails, and then the write may have been made.
type Incidents interface {
	Loader
	Commit(ctx context.Context, c incident.Change) error
}

// Waits holds the task tokens. NotFound when nobody waits.
type Waits interface {
	Wait(ctx context.Context, ref incident.Ref) (incident.Wait, error)
}

// Starter starts an incident's execution, named by its id. An execution of that
// name that is running or has ended is success: it was started.
type Starter interface {
	Start(ctx context.Context, ref incident.Ref, input json.RawMessage) error
}

// Deliverer resumes the execution that waits on a token. It answers Conflict
// with CodeTaskClosed when nothing waits on it (timed out, answered before, or
// never known): then it is the workflow's to finish.
type Deliverer interface {
	Deliver(ctx context.Context, token incident.TaskToken, output json.RawMessage) error
}

// ExecutionStatus is what Describer tells.
type ExecutionStatus string

const (
	ExecutionMissing ExecutionStatus = "missing"
	ExecutionRunning ExecutionStatus = "running"
	ExecutionEnded   ExecutionStatus = "ended" // however it ended
)

// Describer tells whether an incident's execution runs.
type Describer interface {
	Describe(ctx context.Context, ref incident.Ref) (ExecutionStatus, error)
}

// MaxRequest bounds a Request's body, in bytes: Lambda takes 6 MB of it encoded, and a
// process must not be filled by senders that it does not know yet.
const MaxRequest = 2 << 20

// Request is what a sender sent.
type Request = intake.Request

// Greeter is a Source whose sender first asks whether it may send, such as SNS, which
// has a subscription confirmed.
type Greeter interface {
	// Greet answers such a request, which was authenticated; false if it is another one,
	// which Parse reads.
	Greet(ctx context.Context, r Request) (greeted bool, err error)
}

// Consenter is a Source whose sender asks whether it may send before it proves who it is,
// so that nobody can have it send to an address that expects nothing.
type Consenter interface {
	// Consent returns the headers by which the sender is told that it may. Invalid names
	// the header that is wrong.
	Consent(r Request) (http.Header, error)
}

// Signer is a Source whose sender signs each request, so that the same request a
// second time is a copy: the sender's own, or that of somebody who caught it.
type Signer interface {
	// Delivery names the signed request, "" if it has no name.
	Delivery(r Request) string
}

// Batch is what a request says. A refused alert costs only itself; Refused says
// why, one error for each, and the rest is kept.
type Batch struct {
	Alerts  []incident.Alert
	Refused []error
}

// One is the batch of a message that is one alert, or the reason why it is none.
func One(a incident.Alert, err error) (Batch, error) {
	if err != nil {
		return Batch{}, err
	}
	return Batch{Alerts: []incident.Alert{a}}, nil
}

// Add puts an alert into the batch, or the reason why there is none.
func (b *Batch) Add(a incident.Alert, err error) {
	if err != nil {
		b.Refused = append(b.Refused, err)
		return
	}
	b.Alerts = append(b.Alerts, a)
}

// Refuse puts a reason into the batch that is not there yet; nil is none.
func (b *Batch) Refuse(err error) {
	if err != nil && !slices.Contains(b.Refused, err) {
		b.Refused = append(b.Refused, err)
	}
}

// Source reads the requests of one kind of sender.
type Source interface {
	// Authenticate checks by the sender's own scheme who sent the request. Any error
	// is a refusal; it says nothing that helps to forge one.
	Authenticate(ctx context.Context, r Request) error
	// Parse reads alerts, each valid, firing or recovered. Invalid names the field
	// when nothing of the request can be kept.
	Parse(ctx context.Context, r Request) (Batch, error)
}

// Channel is one place where people are told. Name is what a decision taken
// through its link is recorded under (link:<name>). Errors are
// incident.Unavailable when repeating later may work.
type Channel interface {
	Name() string
	Post(ctx context.Context, b brief.Brief) (messageID string, err error)
	Edit(ctx context.Context, messageID string, b brief.Brief) error
}

// Tracker opens a ticket, once for an incident: asked again for the same one it
// returns the ticket that exists. Name is how services.yaml and records name it.
type Tracker interface {
	Name() string
	Open(ctx context.Context, ref incident.Ref, b brief.Brief) (incident.Ticket, error)
	// Update shows in the incident's ticket how the incident is now. Asked again with the
	// same, it changes nothing that anybody is told of.
	Update(ctx context.Context, ref incident.Ref, t incident.Ticket, b brief.Brief) error
}

// Linker makes the decision links that one channel's message carries.
type Linker interface {
	Links(inc incident.Incident, channel string) brief.Links
}

// Clock is time.Now, or a test's.
type Clock func() time.Time

// maxConflicts bounds how often a change is tried again after somebody else
// wrote first. Each round means that another writer got on, so it is reached
// only when a store answers conflicts that are none.
const maxConflicts = 100

// update loads an incident, asks a rule, and commits what it says, from the
// start again when somebody else wrote in between. It returns the incident as
// recorded after it. A rule's error ends it.
func update(ctx context.Context, store Incidents, ref incident.Ref, rule func(incident.Incident) (incident.Change, error)) (incident.Incident, error) {
	for round := 0; ; round++ {
		inc, err := store.Load(ctx, ref)
		if err != nil {
			return inc, err
		}
		c, err := rule(inc)
		if err != nil {
			return inc, err
		}
		if c.Empty() {
			return c.Incident, nil
		}
		err = store.Commit(ctx, c)
		if err == nil {
			return c.Incident, nil
		}
		if incident.CodeOf(err) != incident.CodeVersion || round == maxConflicts {
			return inc, err
		}
		if err := ctx.Err(); err != nil {
			return inc, incident.Unavail("gave up waiting for the incident", err)
		}
	}
}

// logFailure logs what a step goes on without, naming the incident.
func logFailure(ctx context.Context, log *slog.Logger, ref incident.Ref, doing string, err error) {
	log.WarnContext(ctx, doing, "incidentId", ref.ID, "error", err.Error())
}
