package steps

import (
	"context"
	"log/slog"

	"github.com/opsguard/opsguard/pkg/incident"
)

// ReceiveAlerts is the side of ingest-alert that senders call in their own words:
// the source of that name says whose request it is and what it holds, and each
// alert is ingested like any other.
type ReceiveAlerts struct {
	Sources map[string]Source // by the name that services.yaml gives them
	Ingest  interface {
		Handle(ctx context.Context, in IngestInput) (Ingested, error)
	}
	Log *slog.Logger
}

// Received is what became of a request.
type Received struct {
	By      incident.Actor // the sender, as it is recorded
	Taken   []Ingested     // one for each alert that was kept, in order
	Refused []error        // one for each alert that was refused; Invalid, naming the field
}

// Handle answers NotFound for a source that is not configured and Forbidden for a
// request that is not the sender's. It is Invalid only if nothing of the request
// could be kept, and Unavailable if an alert could not be stored: the others are
// tried all the same, the sender sends all of them again, and those that were kept
// are counted once more.
func (s ReceiveAlerts) Handle(ctx context.Context, name string, r Request) (Received, error) {
	source, known := s.Sources[name]
	if !known {
		return Received{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "no such source is configured")
	}
	if err := source.Authenticate(ctx, r); err != nil {
		if incident.KindOf(err) == incident.Unavailable { // the secret cannot be read at the moment
			return Received{}, err
		}
		// The caller logs it: anybody can send such requests, so their number is limited there.
		refused := incident.Fail(incident.Forbidden, incident.CodeForbidden, "the request is not the sender's")
		refused.Err = err
		return Received{}, refused
	}
	batch, err := source.Parse(ctx, r)
	if err != nil {
		return Received{}, err
	}
	got := Received{By: incident.SourceActor(name), Refused: batch.Refused}
	var failed error
	for _, alert := range batch.Alerts {
		alert.Tenant, alert.Source = incident.DefaultTenant, name // never what the request says
		done, err := s.Ingest.Handle(ctx, IngestInput{Alert: alert, By: got.By})
		switch {
		case incident.KindOf(err) == incident.Invalid:
			got.Refused = append(got.Refused, err)
		case err != nil: // the rest is tried all the same
			s.Log.ErrorContext(ctx, "an alert of a batch could not be taken", "source", name, "service", alert.Service, "error", err.Error())
			failed = err
		default:
			got.Taken = append(got.Taken, done)
		}
	}
	if failed != nil {
		return got, incident.Unavail("not every alert could be taken; send them again", failed)
	}
	if len(got.Taken) == 0 && len(got.Refused) > 0 {
		return got, got.Refused[0]
	}
	return got, nil
}
