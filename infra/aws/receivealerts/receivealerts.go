// Package receivealerts opens the side of ingest-alert that senders call in their
// own words.
package receivealerts

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open opens the sources that services.yaml lists in front of the step that takes
// their alerts. It returns what they see of the world too, for Direct.
func Open(ctx context.Context, f aws.Function, ingest steps.IngestAlert) (steps.ReceiveAlerts, integration.Env, error) {
	received := steps.ReceiveAlerts{
		Sources: map[string]steps.Source{}, Ingest: ingest, Services: ingest.Inventory, Seen: steps.NewDeliveries(), Log: f.Log,
	}
	env, err := outside.Env(f)
	if err != nil {
		return received, env, err
	}
	opened, err := source.Open(env, ingest.Inventory.Entries(integration.Sources))
	if err != nil {
		return received, env, err
	}
	for _, o := range opened {
		// A secret that is missing stops its own source, not the others: a call that needs
		// it answers 503.
		f.Warm(ctx, o)
		received.Sources[o.Entry.Name] = o.It
	}
	return received, env, nil
}
