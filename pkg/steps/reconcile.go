package steps

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Reconcile is reconcile: every few minutes it does what a crash or a lost call left
// undone, and it finishes what an execution left open when it ended. It is what "an
// accepted alert is never lost" rests on when everything else failed once.
//
// Where asking for an execution costs nothing, as on one machine, it looks at every
// open incident. Step Functions answers 15 such calls a second, so there it visits the
// incidents that are late by their record, and is told of executions that ended.
type Reconcile struct {
	Store interface {
		Incidents
		Lister
		Untold
	}
	// Late, where given, finds what is late; else each open incident is looked at.
	Late     LateLister
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

// LateLister returns the open incidents that are due (see incident.Due) at that time
// at the latest, the longest due first. It may lag behind the record.
type LateLister interface {
	Late(ctx context.Context, tenant string, now time.Time) ([]incident.Incident, error)
}

// ReconcileReport counts what was repaired.
type ReconcileReport struct {
	Open      int `json:"open"` // incidents that were visited
	Started   int `json:"started"`
	Delivered int `json:"delivered"` // decisions sent again
	Notified  int `json:"notified"`
	Finished  int `json:"finished"`
	Told      int `json:"told"`   // incidents whose ticket and messages were brought up to date after an escalation
	Failed    int `json:"failed"` // incidents it could not help this time
	Left      int `json:"left"`   // incidents that the next run has to visit
}

// Handle visits what has to be visited. One that fails does not keep it from the
// rest; the last failure is returned. When ctx ends, the visit under way is finished
// and no other begins, which is no failure: the next run begins from the first again.
func (s Reconcile) Handle(ctx context.Context) (ReconcileReport, error) {
	visit := s.all
	if s.Late != nil {
		visit = s.late
	}
	report, err := visit(ctx)
	return report, cmp.Or(err, s.tellUntold(ctx, &report))
}

// all visits each open incident.
func (s Reconcile) all(ctx context.Context) (ReconcileReport, error) {
	var report ReconcileReport
	var failed error
	for _, status := range visited() {
		q := ListQuery{Tenant: s.Tenant, Status: status, Limit: 100}
		for ctx.Err() == nil {
			page, err := s.Store.List(context.WithoutCancel(ctx), q)
			if err != nil {
				return report, err
			}
			for _, listed := range page.Incidents {
				if ctx.Err() != nil {
					return report, failed
				}
				failed = cmp.Or(s.visit(ctx, listed.Ref, &report, s.look), failed)
			}
			if page.NextCursor == "" {
				break
			}
			q.Cursor = page.NextCursor
		}
	}
	return report, failed
}

// visited are the open statuses; what runs, and what nobody was asked about yet,
// must not wait for the many that only wait for people.
func visited() []incident.Status {
	open := slices.DeleteFunc(incident.OpenStatuses(), func(s incident.Status) bool { return s == incident.WaitingForApproval })
	return append(open, incident.WaitingForApproval)
}

// margin is what a run keeps of its time, so that it ends by itself.
const margin = 30 * time.Second

// roomFor reports whether there is time for one more.
func roomFor(ctx context.Context) bool {
	ends, bounded := ctx.Deadline()
	return ctx.Err() == nil && (!bounded || time.Until(ends) >= margin)
}

// late visits what is late by its record.
func (s Reconcile) late(ctx context.Context) (ReconcileReport, error) {
	var report ReconcileReport
	var failed error
	now := s.Close.Now()
	all, err := s.Late.Late(ctx, s.Tenant, now)
	if err != nil {
		return report, err
	}
	// What takes a moment comes first: a channel that is out of reach takes 15 s an
	// incident, and a start must not wait for that.
	slices.SortStableFunc(all, func(a, b incident.Incident) int { return cmp.Compare(slow(a.Overdue(now)), slow(b.Overdue(now))) })
	for n, listed := range all {
		if !roomFor(ctx) {
			report.Left = len(all) - n
			s.Log.WarnContext(ctx, "not everything that is late could be visited in time; the next run goes on", "visited", n, "left", report.Left)
			break
		}
		if listed.Overdue(s.Close.Now()) != incident.NeedsNothing {
			failed = cmp.Or(s.visit(ctx, listed.Ref, &report, s.repeat), failed)
		}
	}
	return report, failed
}

// slow orders what an incident may need by how long it may take.
func slow(n incident.Attention) int {
	switch n {
	case incident.NeedsStart, incident.NeedsDelivery:
		return 0
	case incident.NeedsAsking:
		return 2
	}
	return 1
}

type helper func(context.Context, incident.Ref, *ReconcileReport) error

// visit helps one incident, and counts and logs it where that fails. It goes on when
// ctx ends: each of its calls is bounded by itself.
func (s Reconcile) visit(ctx context.Context, ref incident.Ref, report *ReconcileReport, help helper) error {
	ctx = context.WithoutCancel(ctx)
	report.Open++
	err := help(ctx, ref, report)
	if err != nil {
		report.Failed++
		logFailure(ctx, s.Log, ref, "the incident could not be reconciled", err)
	}
	return err
}

// repeat does again what its record says is late, and looks at the execution only
// where that has not helped.
func (s Reconcile) repeat(ctx context.Context, ref incident.Ref, report *ReconcileReport) error {
	inc, err := s.Store.Load(ctx, ref)
	if err != nil {
		return err
	}
	switch inc.Overdue(s.Close.Now()) {
	case incident.NeedsStart:
		return counted(&report.Started, start(ctx, s.Workflow, inc))
	case incident.NeedsDelivery:
		return counted(&report.Delivered, s.Delivery.Deliver(ctx, inc))
	case incident.NeedsAsking:
		return s.ask(ctx, inc, report)
	case incident.NeedsLook:
		return s.look(ctx, ref, report)
	}
	return nil
}

// Ended finishes, from its record, what an execution that ended left open. Told of
// the same end again, it does nothing.
func (s Reconcile) Ended(ctx context.Context, ref incident.Ref) error {
	inc, err := s.Store.Load(ctx, ref)
	if err != nil || !inc.Open() {
		return err
	}
	return s.finish(ctx, inc)
}

// look asks how the execution stands and does what is missing.
func (s Reconcile) look(ctx context.Context, ref incident.Ref, report *ReconcileReport) error {
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
		return s.ask(ctx, inc, report)
	}
	return nil
}

// ask tells people of an incident that waits for them. An alarm hangs on the message.
func (s Reconcile) ask(ctx context.Context, inc incident.Incident, report *ReconcileReport) error {
	err := counted(&report.Notified, s.People.Ask(ctx, inc))
	if errors.Is(err, errAtIt) {
		report.Left++
		return nil
	}
	if err != nil {
		s.Log.WarnContext(ctx, "people could not be told: the incident waits, and a channel is still out of reach",
			"incidentId", inc.ID, "deadline", inc.Asked.Deadline)
	}
	return err
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
