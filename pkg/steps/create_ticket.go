package steps

import (
	"context"
	"log/slog"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// CreateTicket is create-ticket: it makes sure that a decision stands and that
// nothing can be executed any more, then opens the ticket, once. An incident
// that ends RESOLVED after all (a decision to resolve that could not be
// delivered, say) gets none.
type CreateTicket struct {
	Store     Incidents
	Inventory *inventory.Inventory
	Trackers  []Tracker // the first takes what a service sends nowhere else; at least one
	Links     Linker
	Now       Clock
	Log       *slog.Logger
}

// trackerFor returns the tracker that the service names in services.yaml, else the
// first.
func (s CreateTicket) trackerFor(service string) Tracker {
	svc, _ := s.Inventory.Lookup(service)
	for _, t := range s.Trackers {
		if t.Name() == svc.Tracker {
			return t
		}
	}
	return s.Trackers[0]
}

// CreateTicketInput is the execution's data: the incident, and what failed on the
// way, which is absent unless it did.
type CreateTicketInput struct {
	incident.Ref
	WaitError *StateError `json:"waitError"`
	FixError  *StateError `json:"fixError"`
}

// StateError is what a Catch puts into the execution's data.
type StateError struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// CreateTicketOutput is the ticket; all null when none is due.
type CreateTicketOutput struct {
	Tracker *string `json:"tracker"`
	Key     *string `json:"key"`
	URL     *string `json:"url"`
}

// statesTimeout is the state machine's name for a wait that ran out.
const statesTimeout = "States.Timeout"

// Handle is safe to repeat: the tracker finds the ticket that exists.
func (s CreateTicket) Handle(ctx context.Context, in CreateTicketInput) (CreateTicketOutput, error) {
	inc, err := update(ctx, s.Store, in.Ref, func(inc incident.Incident) (incident.Change, error) {
		return s.settle(inc, in)
	})
	if err != nil {
		return CreateTicketOutput{}, err
	}
	if status, _ := inc.Conclusion(); inc.Open() && status == incident.Escalated && inc.Ticket == nil {
		ticket, err := s.trackerFor(inc.Service).Open(ctx, inc.Ref, brief.Of(inc, s.Links.Links(inc, "ticket"), s.Now()))
		if err != nil {
			return CreateTicketOutput{}, err
		}
		s.Log.InfoContext(ctx, "ticket opened", "incidentId", inc.ID, "tracker", ticket.Tracker, "key", ticket.Key)
		inc, err = update(ctx, s.Store, in.Ref, func(inc incident.Incident) (incident.Change, error) {
			return inc.Ticketed(ticket, s.Now())
		})
		if err != nil {
			return CreateTicketOutput{}, err
		}
	}
	if inc.Ticket == nil {
		return CreateTicketOutput{}, nil
	}
	return CreateTicketOutput{&inc.Ticket.Tracker, &inc.Ticket.Key, &inc.Ticket.URL}, nil
}

// settle closes what is open: a free decision slot, so that nobody can approve
// any more, and an approval that was never acted on, so that nobody can claim it.
func (s CreateTicket) settle(inc incident.Incident, in CreateTicketInput) (incident.Change, error) {
	now := s.Now()
	switch {
	case inc.Decision == nil && timedOut(inc, in.WaitError, now):
		return inc.Settle(incident.ReasonApprovalTimeout, now)
	case inc.Decision == nil:
		return inc.Settle(incident.ReasonStepFailed, now)
	case inc.Decision.Action == incident.Approve && inc.Attempt == nil && inc.Refusal == "":
		return inc.Refuse(notActedOn(in), now)
	}
	return incident.Change{Incident: inc}, nil
}

// notActedOn is why an approval was never acted on, as far as the execution knows.
func notActedOn(in CreateTicketInput) incident.Reason {
	switch {
	case in.WaitError != nil:
		return incident.ReasonDecisionUndelivered
	case in.FixError != nil && in.FixError.Error == NameTargetBusy:
		return incident.ReasonTargetBusy // the state machine gave up waiting
	}
	return incident.ReasonStepFailed
}

// timedOut tells "nobody decided in time" from "it went wrong before they could".
func timedOut(inc incident.Incident, waitError *StateError, now time.Time) bool {
	if inc.Asked == nil {
		return false
	}
	return waitError != nil && waitError.Error == statesTimeout || !now.Before(inc.Asked.Deadline)
}
