package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/redact"
)

// Dedup finds the incident that holds a fingerprint: an open one, or an escalated one
// for a while.
type Dedup interface {
	// Join counts one more occurrence of the incident that holds the fingerprint and
	// returns it as recorded; NotFound when none does. It writes no incident and no event.
	// It keeps what the alert says if that is not what the one before said. Where the time
	// to be joined is over (Change.KeepDedup), it counts nothing, and returns the incident
	// with CodeLapsed.
	Join(ctx context.Context, tenant, fingerprint string, says incident.Latest) (incident.Incident, error)
	// Holder returns that incident without counting; NotFound when none.
	Holder(ctx context.Context, tenant, fingerprint string) (incident.Ref, error)
}

// Flows keeps what came of each service lately.
type Flows interface {
	// Update changes the flow of a service, a new one if there is none. change may be
	// called again, with another flow, when somebody else changed it meanwhile. When it
	// fails, change may have been called and is not kept.
	Update(ctx context.Context, tenant, service string, change func(*incident.Flow)) error
	// Flow returns it, the zero value if there is none.
	Flow(ctx context.Context, tenant, service string) (incident.Flow, error)
}

// IngestAlert is ingest-alert: it redacts an alert, joins it to the open incident
// of the same fingerprint or opens a new one, and sees that its execution is
// started. What it has answered for is on disk; a start that failed is made good
// by reconcile.
type IngestAlert struct {
	Store interface {
		Incidents
		Dedup
	}
	Workflow  Starter
	Inventory *inventory.Inventory
	NewID     func() string // a fresh incident id
	Timeout   time.Duration // how long people may take, where a service does not say
	// Raised, where given, has people told soon that an incident became more severe; else
	// reconcile tells them.
	Raised  func(inc incident.Incident)
	Flows   Flows // nil: every trouble is an incident, and only equal shapes are one
	PerHour int   // incidents that a service may open in an hour, critical ones apart; 0: no bound
	// Delivery passes on what a recovery decided. Nil where this step may not read task
	// tokens: then reconcile does, within its interval.
	Delivery *Delivery
	Now      Clock
	Log      *slog.Logger
}

// IngestInput is an alert and who brought it.
type IngestInput struct {
	Alert incident.Alert
	By    incident.Actor
}

// Ingested is what became of an alert.
type Ingested struct {
	IncidentID string          `json:"incidentId"` // "" for a recovery that met no open incident
	Status     incident.Status `json:"status"`
	Duplicate  bool            `json:"duplicate"` // it joined an incident that was open
}

// ExecutionInput is the state machine's input: a pure function of the stored
// incident, so that starting again is recognised as the same start.
type ExecutionInput struct {
	incident.Ref
	ApprovalTimeoutSeconds int64 `json:"approvalTimeoutSeconds"`
}

// start starts the incident's execution; asking again does no harm.
func start(ctx context.Context, w Starter, inc incident.Incident) error {
	input, err := json.Marshal(ExecutionInput{inc.Ref, inc.ApprovalTimeout})
	if err != nil {
		return err
	}
	return w.Start(ctx, inc.Ref, input)
}

// maxJoinRaces bounds how often an alert can lose the race between "nobody holds
// the fingerprint" and "somebody does": each loss means an incident opened or
// closed in between.
const maxJoinRaces = 20

// Handle takes one alert. Errors are Invalid (naming the field) or Unavailable,
// and then nothing was promised.
func (s IngestAlert) Handle(ctx context.Context, in IngestInput) (Ingested, error) {
	if err := in.Alert.Validate(); err != nil {
		return Ingested{}, err
	}
	alert := clean(in.Alert)
	if !alert.Recovered && strings.TrimSpace(alert.ErrorLogs) == "" {
		return Ingested{}, incident.BadField("errorLogs", "holds nothing but control characters; send the error lines")
	}
	if alert.Recovered {
		return s.recover(ctx, alert)
	}
	trouble, met := alert.Trouble(), false
	fingerprint := trouble.Fingerprint
	says := incident.Latest{At: s.Now(), Logs: intake.CutMiddle(alert.ErrorLogs, incident.MaxLatest), Digest: incident.Digest(alert.ErrorLogs)}
	for range maxJoinRaces {
		inc, err := s.Store.Join(ctx, alert.Tenant, fingerprint, says)
		if err == nil {
			return s.joined(ctx, inc, in.By, alert.Severity)
		}
		if incident.CodeOf(err) == incident.CodeLapsed {
			if err := s.release(ctx, inc.Ref); err != nil {
				return Ingested{}, err
			}
			continue
		}
		if incident.KindOf(err) != incident.NotFound {
			return Ingested{}, err
		}
		if !met {
			met = true
			if alert, fingerprint = s.meet(ctx, alert, trouble); fingerprint != trouble.Fingerprint {
				continue // it is one of a trouble that may be open
			}
		}
		c := incident.Open(incident.New{
			Ref: incident.Ref{Tenant: alert.Tenant, ID: s.NewID()}, Alert: alert, Fingerprint: fingerprint, By: in.By,
			ApprovalTimeout: s.timeout(alert.Service), Now: s.Now()})
		err = s.Store.Commit(ctx, c)
		if incident.CodeOf(err) == incident.CodeDuplicate {
			continue // somebody opened it first: join that one
		}
		if err != nil {
			return Ingested{}, err
		}
		s.Log.InfoContext(ctx, "incident opened", "incidentId", c.Incident.ID, "service", alert.Service, "severity", alert.Severity, "source", alert.Source)
		s.start(ctx, c.Incident)
		return Ingested{c.Incident.ID, c.Incident.Status, false}, nil
	}
	return Ingested{}, incident.Unavail("the incident of this alert kept opening and closing; send the alert again", nil)
}

// meet has the service's flow look at an alert that opens an incident by itself. It
// returns the alert that is to be taken instead, and under which fingerprint.
func (s IngestAlert) meet(ctx context.Context, alert incident.Alert, t incident.Trouble) (incident.Alert, string) {
	m := incident.Meeting{Fingerprint: t.Fingerprint}
	if s.Flows == nil {
		return alert, m.Fingerprint
	}
	of := alert.Service
	if _, listed := s.Inventory.Lookup(of); !listed {
		of = Unlisted // together, or a name that varies would open incidents without end
	}
	err := s.Flows.Update(ctx, alert.Tenant, of, func(f *incident.Flow) { m = f.Meet(alert, t, of, s.PerHour, s.Now()) })
	if err != nil { // an alert more is better than one that waits
		s.Log.WarnContext(ctx, "the service's flow could not be updated; the alert is taken by itself", "service", alert.Service, "error", err.Error())
	}
	if m.Flood {
		alert = floodOf(alert, of, s.PerHour, s.Now())
	}
	return alert, m.Fingerprint
}

// FloodSource is the source of a service's flood incident.
const FloodSource = "flood"

// Unlisted is the name under which all services that services.yaml does not list have
// one flow, and one flood.
const Unlisted = "services that are not listed"

// floodOf is the alert that opens a flood incident because of another one.
func floodOf(a incident.Alert, of string, perHour int, now time.Time) incident.Alert {
	const words = "FLOOD: %d incidents of %s were opened in the hour from %s UTC. " +
		"Alerts of more troubles are counted here until the hour is over.\nThe first of them, from %s:\n"
	logs := fmt.Sprintf(words, perHour, of, now.UTC().Truncate(time.Hour).Format("15:04"), a.Source)
	return incident.Alert{
		Tenant: a.Tenant, Source: FloodSource, Service: of, Severity: a.Severity, Timestamp: a.Timestamp, Link: a.Link,
		ErrorLogs: incident.Cut(logs+a.ErrorLogs, incident.MaxErrorLogs),
	}
}

func (s IngestAlert) timeout(service string) time.Duration {
	if svc, ok := s.Inventory.Lookup(service); ok && svc.Approval.Timeout > 0 {
		return svc.Approval.Timeout
	}
	return s.Timeout
}

// clean redacts all that a sender wrote, before anything of it is hashed or kept. The
// identity stays as it is: of it only the fingerprint is kept, and a placeholder in it
// would make one trouble of two.
func clean(a incident.Alert) incident.Alert {
	logs, _ := redact.Text(a.ErrorLogs)
	a.ErrorLogs = incident.Cut(logs, incident.MaxErrorLogs)
	a.Service, _ = redact.Line(a.Service)
	a.DedupKey, _ = redact.Line(a.DedupKey)
	if a.Link, _ = redact.Line(a.Link); a.Link != "" && incident.CheckLink(a.Link) != nil {
		a.Link = "" // with a placeholder in it, it leads nowhere
	}
	a.Labels = nil
	return a
}

func (s IngestAlert) joined(ctx context.Context, inc incident.Incident, by incident.Actor, severity incident.Severity) (_ Ingested, err error) {
	if severity.Above(inc.Severity) && inc.Status != incident.Resolved {
		if inc, err = s.raise(ctx, inc.Ref, by, severity); err != nil {
			return Ingested{}, err
		}
	}
	if c, _ := inc.Recur(by, s.Now()); !c.Empty() {
		if inc, err = s.recur(ctx, inc.Ref, by); err != nil {
			return Ingested{}, err
		}
	}
	if inc.Status == incident.Detected {
		s.start(ctx, inc) // whoever opened it may have died before starting it
	}
	return Ingested{inc.ID, inc.Status, true}, nil
}

// recur notes that the trouble of an escalated incident goes on.
func (s IngestAlert) recur(ctx context.Context, ref incident.Ref, by incident.Actor) (incident.Incident, error) {
	return update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) { return inc.Recur(by, s.Now()) })
}

// release lets the trouble of an incident that was escalated long ago open another one.
func (s IngestAlert) release(ctx context.Context, ref incident.Ref) error {
	_, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) { return inc.Release(s.Now()) })
	return err
}

// raise makes an incident more severe because of an alert that joined it, and has
// people told.
func (s IngestAlert) raise(ctx context.Context, ref incident.Ref, by incident.Actor, severity incident.Severity) (incident.Incident, error) {
	rose := false
	inc, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
		c, err := inc.Raise(severity, by, s.Now())
		rose = !c.Empty()
		return c, err
	})
	if err != nil || !rose {
		return inc, err
	}
	s.Log.InfoContext(ctx, "the severity rose", "incidentId", inc.ID, "severity", severity)
	if s.Raised != nil && inc.Asked != nil && inc.Asked.NotifiedAt == nil {
		s.Raised(inc)
	}
	return inc, nil
}

func (s IngestAlert) start(ctx context.Context, inc incident.Incident) {
	if err := start(ctx, s.Workflow, inc); err != nil {
		logFailure(ctx, s.Log, inc.Ref, "the execution could not be started; reconcile will", err)
	}
}

// recover takes the news that the trouble is over.
func (s IngestAlert) recover(ctx context.Context, alert incident.Alert) (Ingested, error) {
	ref, err := s.Store.Holder(ctx, alert.Tenant, alert.Fingerprint())
	if incident.KindOf(err) == incident.NotFound {
		return Ingested{}, nil
	}
	if err != nil {
		return Ingested{}, err
	}
	fresh := false
	inc, err := update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
		c, err := inc.Recover(s.Now())
		fresh = !c.Empty()
		return c, err
	})
	if err != nil {
		return Ingested{}, err
	}
	if fresh {
		s.Log.InfoContext(ctx, "recovery recorded", "incidentId", inc.ID, "source", alert.Source, "status", inc.Status)
	}
	if fresh && inc.Open() && s.Delivery != nil {
		if err := s.Delivery.Deliver(ctx, inc); err != nil {
			logFailure(ctx, s.Log, inc.Ref, "the recovery stands but the execution could not be told; reconcile will", err)
		}
	}
	return Ingested{inc.ID, inc.Status, true}, nil
}
