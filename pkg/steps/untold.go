package steps

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// MaxUntold bounds how many incidents Untold hands out at once.
const MaxUntold = 100

// Untold is the list of the incidents whose ticket and messages lag behind the record:
// after an escalation, no step of a workflow tells them any more. A Change with Untold
// puts an incident onto it.
type Untold interface {
	// Untold returns those whose ids come after one, "" for the first, in their order,
	// MaxUntold at most.
	Untold(ctx context.Context, tenant, after string) ([]Lag, error)
	// Told takes one off, unless it was put onto the list again since.
	Told(ctx context.Context, of Lag) error
}

// Lag is an incident with the version that its ticket and messages lag behind.
type Lag struct {
	Ref     incident.Ref
	Version int64
}

// TellUntold brings tickets and messages up to date. What cannot be told now stays on
// the list; what never can is taken off.
func (s Reconcile) TellUntold(ctx context.Context) (ReconcileReport, error) {
	var report ReconcileReport
	err := s.tellUntold(ctx, &report)
	return report, err
}

func (s Reconcile) tellUntold(ctx context.Context, report *ReconcileReport) error {
	if ctx.Err() != nil {
		return nil
	}
	missed := misses{}
	var failed error
	for after, more := "", true; more; {
		list, err := s.Store.Untold(ctx, s.Tenant, after)
		if err != nil {
			return cmp.Or(failed, err)
		}
		failed = cmp.Or(s.tellSome(ctx, list, missed, report), failed)
		if more = len(list) == MaxUntold && roomFor(ctx); more {
			after = list[len(list)-1].Ref.ID
		}
	}
	return failed
}

func (s Reconcile) tellSome(ctx context.Context, list []Lag, missed misses, report *ReconcileReport) (failed error) {
	for _, lag := range list {
		if !roomFor(ctx) {
			break
		}
		err := s.tell(context.WithoutCancel(ctx), lag, missed)
		if errors.Is(err, errAtIt) {
			report.Left++
			continue
		}
		if err != nil {
			failed = err
			report.Failed++
			logFailure(ctx, s.Log, lag.Ref, "ticket and messages could not be brought up to date", err)
			continue
		}
		report.Told++
	}
	return failed
}

// misses counts in how many calls each channel and tracker was out of reach.
type misses map[string]int

// maxMisses is after how many calls what is out of reach is left alone for this time: a
// call may take 10 s, and the rest of the list waits. One may be the fault of what was told.
const maxMisses = 3

// skip is why what was out of reach too often is not called; nil if it may be.
func (m misses) skip(name string) error {
	if m[name] < maxMisses {
		return nil
	}
	return incident.Unavail(name+" is out of reach", nil)
}

func (m misses) note(name string, err error) {
	if incident.KindOf(err) == incident.Unavailable {
		m[name]++
	}
}

// messagePatience is how long an incident stays on the list for a message whose channel is
// out of reach, counted from the last change of its record.
const messagePatience = time.Hour

func (s Reconcile) tell(ctx context.Context, lag Lag, missed misses) error {
	inc, err := s.Store.Load(ctx, lag.Ref)
	var later error // why the messages have to be edited later
	if err == nil {
		later = s.People.tell(ctx, inc, missed)
		err = s.ticket(ctx, inc, missed)
	}
	if incident.KindOf(err) == incident.Unavailable {
		return err
	}
	if err != nil {
		logFailure(ctx, s.Log, lag.Ref, "the ticket cannot be brought up to date", err)
	}
	if later != nil && s.Ticket.Now().Sub(inc.UpdatedAt) < messagePatience {
		return later
	}
	return s.Store.Told(ctx, lag)
}

// ticket brings the incident's ticket up to date, unless its tracker was found out of reach.
func (s Reconcile) ticket(ctx context.Context, inc incident.Incident, missed misses) error {
	if inc.Ticket == nil {
		return nil
	}
	tracker := "tracker " + inc.Ticket.Tracker
	if err := missed.skip(tracker); err != nil {
		return err
	}
	err := s.Ticket.tell(ctx, inc)
	missed.note(tracker, err)
	return err
}

// tell brings the ticket of an incident that has one up to date.
func (s CreateTicket) tell(ctx context.Context, inc incident.Incident) error {
	for _, t := range s.Trackers {
		if t.Name() == inc.Ticket.Tracker {
			return t.Update(ctx, inc.Ref, *inc.Ticket, brief.Of(inc, s.Links.Links(inc, "ticket"), s.Now()))
		}
	}
	return incident.BadField("tracker", "%q is not in services.yaml any more", inc.Ticket.Tracker)
}
