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
// could be kept, and Unavailable if an alert could not be stored: then the sender
// sends all of them again, and those that were kept are counted once more.
func (s ReceiveAlerts) Handle(ctx context.Context, name string, r Request) (Received, error) {
	source, known := s.Sources[name]
	if !known {
		return Received{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "no such source is configured")
	}
	if err := source.Authenticate(ctx, r); err != nil {
		s.Log.WarnContext(ctx, "a request to a source is not its sender's", "source", name, "error", err.Error())
		if incident.KindOf(err) == incident.Unavailable { // the secret cannot be read at the moment
			return Received{}, err
		}
		return Received{}, incident.Fail(incident.Forbidden, incident.CodeForbidden, "the request is not the sender's")
	}
	batch, err := source.Parse(ctx, r)
	if err != nil {
		return Received{}, err
	}
	got := Received{By: incident.SourceActor(name), Refused: batch.Refused}
	for _, alert := range batch.Alerts {
		done, err := s.Ingest.Handle(ctx, IngestInput{Alert: alert, By: got.By})
		switch {
		case incident.KindOf(err) == incident.Invalid:
			got.Refused = append(got.Refused, err)
		case err != nil:
			return got, err
		default:
			got.Taken = append(got.Taken, done)
		}
	}
	if len(got.Taken) == 0 && len(got.Refused) > 0 {
		return got, got.Refused[0]
	}
	return got, nil
}
