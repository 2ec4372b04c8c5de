// Package closing opens what ends an incident: its ticket and its messages. By then a
// decision stands, so links only show; no key is needed, and none can stop it.
package closing

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket"
)

// Settings are those of a function that ends incidents.
type Settings struct {
	PublicURL string `env:"OPSGUARD_PUBLIC_URL" help:"what links start with, stage prefix included"`
}

func viewer() (link.Viewer, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return link.Viewer{}, err
	}
	url, err := link.ParsePublicURL(s.PublicURL)
	return link.Viewer{URL: url}, err
}

// Ticket binds create-ticket.
func Ticket(f aws.Function, store *dynamo.Store) (steps.CreateTicket, error) {
	view, err := viewer()
	if err != nil {
		return steps.CreateTicket{}, err
	}
	tracker, err := ticket.Open(ticket.Settings{PublicURL: view.URL.String(), Now: f.Now}, records.Tickets{Store: store})
	return steps.CreateTicket{Store: store, Tracker: tracker, Links: view, Now: f.Now, Log: f.Log}, err
}

// Resolution binds log-resolution; what it returns gives the step with the channels of
// now.
func Resolution(ctx context.Context, f aws.Function, store *dynamo.Store) (func(context.Context) steps.LogResolution, error) {
	view, err := viewer()
	if err != nil {
		return nil, err
	}
	channels, err := people.OpenChannels(f, store)
	if err != nil {
		return nil, err
	}
	f.Warm(ctx, channels)
	return func(ctx context.Context) steps.LogResolution {
		return steps.LogResolution{Store: store, People: channels.Told(ctx, view), Now: f.Now, Log: f.Log}
	}, nil
}
