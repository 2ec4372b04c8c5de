package steps

import (
	"context"
	"log/slog"

	"github.com/opsguard/opsguard/pkg/incident"
)

// LogResolution is log-resolution: it ends the incident as its record says and
// brings the messages up to date.
type LogResolution struct {
	Store   Incidents
	Lasting *Lasting // nil: it is not watched whether fixes help for good
	People  People
	Now     Clock
	Log     *slog.Logger
}

// LogResolutionInput is the execution's data.
type LogResolutionInput struct {
	incident.Ref
	TicketError *StateError `json:"ticketError"` // create-ticket gave up
}

// LogResolutionOutput is how it ended.
type LogResolutionOutput struct {
	Status incident.Status `json:"status"`
}

// Handle closes the incident, once.
func (s LogResolution) Handle(ctx context.Context, in LogResolutionInput) (LogResolutionOutput, error) {
	failure := ""
	if in.TicketError != nil {
		failure = "create-ticket gave up: " + in.TicketError.Error
	}
	inc, err := update(ctx, s.Store, in.Ref, func(inc incident.Incident) (incident.Change, error) {
		until, err := s.Lasting.Note(ctx, inc)
		if err != nil {
			return incident.Change{}, err
		}
		return inc.CloseAndWatch(failure, until, s.Now())
	})
	if err != nil {
		return LogResolutionOutput{}, err
	}
	s.People.Tell(ctx, inc)
	s.Log.InfoContext(ctx, "incident closed", "incidentId", inc.ID, "status", inc.Status, "escalationReason", inc.EscalationReason)
	return LogResolutionOutput{inc.Status}, nil
}
