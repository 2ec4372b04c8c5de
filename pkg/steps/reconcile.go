package steps

import (
	"context"
	"log/slog"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Reconcile is reconcile: every few minutes it looks at each open incident and
// does what a crash or a lost call left undone. It is what "an accepted alert is
// never lost" rests on when everything else failed once.
type Reconcile struct {
	Store interface {
		Incidents
		Lister
	}
	Workflow interface {
		Starter
		Describer
	}
	Delivery Delivery
	People   People
	Ticket   CreateTicket
	Close    LogResolution
	Tenant   string
	Log      *slog.Logger
}

// ReconcileReport counts what was repaired.
type ReconcileReport struct {
	Open      int `json:"open"`
	Started   int `json:"started"`
	Delivered int `json:"delivered"` // decisions sent again
	Notified  int `json:"notified"`
	Finished  int `json:"finished"`
	Failed    int `json:"failed"` // incidents it could not help this time
}

// openStatuses are those that can be stuck, in the order in which they are looked
// at: what runs and what nobody was asked about yet must not wait for the many that
// only wait for people.
var openStatuses = [...]incident.Status{incident.ExecutingFix, incident.Detected, incident.WaitingForApproval}

// Handle looks at all open incidents. One that fails does not keep it from the
// rest; the last failure is returned.
func (s Reconcile) Handle(ctx context.Context) (ReconcileReport, error) {
	var report ReconcileReport
	var failed error
	for _, status := range openStatuses {
		q := ListQuery{Tenant: s.Tenant, Status: status, Limit: 100}
		for {
			page, err := s.Store.List(ctx, q)
			if err != nil {
				return report, err
			}
			for _, listed := range page.Incidents {
				report.Open++
				if err := s.repair(ctx, listed.Ref, &report); err != nil {
					report.Failed++
					failed = err
					logFailure(ctx, s.Log, listed.Ref, "the incident could not be reconciled", err)
				}
			}
			if page.NextCursor == "" {
				break
			}
			q.Cursor = page.NextCursor
		}
	}
	return report, failed
}

func (s Reconcile) repair(ctx context.Context, ref incident.Ref, report *ReconcileReport) error {
	execution, err := s.Workflow.Describe(ctx, ref)
	if err != nil {
		return err
	}
	inc, err := s.Store.Load(ctx, ref) // after the execution, so that "ended" is never older than the record
	if err != nil || !inc.Open() {
		return err
	}
	if execution == ExecutionMissing && inc.Status != incident.Detected {
		// It began since, or long ago and its history is gone (after 90 days): which of
		// the two can only be told by looking once more, after the record.
		if execution, err = s.Workflow.Describe(ctx, ref); err != nil {
			return err
		}
	}
	switch {
	case execution == ExecutionMissing && inc.Status == incident.Detected:
		return counted(&report.Started, start(ctx, s.Workflow, inc))
	case execution != ExecutionRunning:
		return counted(&report.Finished, s.finish(ctx, inc))
	case inc.Status == incident.WaitingForApproval && inc.Decision != nil:
		return counted(&report.Delivered, s.Delivery.Deliver(ctx, inc))
	case inc.Status == incident.WaitingForApproval && inc.Asked.NotifiedAt == nil:
		return counted(&report.Notified, s.People.Ask(ctx, inc))
	}
	return nil
}

// counted counts what went well.
func counted(count *int, err error) error {
	if err == nil {
		*count++
	}
	return err
}

// ticketPatience is how long reconcile keeps an incident open for a tracker that
// cannot be reached, counted from the last change of its record.
const ticketPatience = time.Hour

// finish ends an incident whose execution ended without doing so: with a ticket
// if one is due, without when the tracker was out of reach for too long.
func (s Reconcile) finish(ctx context.Context, inc incident.Incident) error {
	input := LogResolutionInput{Ref: inc.Ref}
	if _, err := s.Ticket.Handle(ctx, CreateTicketInput{Ref: inc.Ref}); err != nil {
		if incident.KindOf(err) == incident.Unavailable && s.Ticket.Now().Sub(inc.UpdatedAt) < ticketPatience {
			return err // the next round may get one
		}
		input.TicketError = &StateError{Error: ErrorName(err)}
	}
	_, err := s.Close.Handle(ctx, input)
	return err
}
