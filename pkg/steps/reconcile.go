package steps

import (
	"context"
	"log/slog"

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

// openStatuses are those that can be stuck.
var openStatuses = [...]incident.Status{incident.Detected, incident.WaitingForApproval, incident.ExecutingFix}

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
	switch {
	case execution == ExecutionEnded:
		report.Finished++
		return s.finish(ctx, inc)
	case execution == ExecutionMissing && inc.Status == incident.Detected:
		report.Started++
		return start(ctx, s.Workflow, inc)
	case execution == ExecutionMissing:
		// Its execution began and is gone (history is kept for 90 days): end it.
		report.Finished++
		return s.finish(ctx, inc)
	case inc.Status == incident.WaitingForApproval && inc.Decision != nil:
		report.Delivered++
		return s.Delivery.Deliver(ctx, inc)
	case inc.Status == incident.WaitingForApproval && inc.Asked.NotifiedAt == nil:
		report.Notified++
		return s.People.Ask(ctx, inc)
	}
	return nil
}

// finish ends an incident whose execution ended without doing so.
func (s Reconcile) finish(ctx context.Context, inc incident.Incident) error {
	input := LogResolutionInput{Ref: inc.Ref}
	if _, err := s.Ticket.Handle(ctx, CreateTicketInput{Ref: inc.Ref}); err != nil {
		input.TicketError = &StateError{Error: ErrorName(err)}
	}
	_, err := s.Close.Handle(ctx, input)
	return err
}
