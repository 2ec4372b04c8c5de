// Package logresolution opens the step that ends an incident and updates its
// messages. By then a decision stands, so links only show: the step needs no key.
package logresolution

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/infra/aws/viewer"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds log-resolution.
func Open(ctx context.Context, f aws.Function, store *dynamo.Store) (steps.LogResolution, error) {
	view, err := viewer.Open()
	if err != nil {
		return steps.LogResolution{}, err
	}
	channels, err := people.OpenChannels(f, store, view.URL.String())
	if err != nil {
		return steps.LogResolution{}, err
	}
	f.Warm(ctx, channels)
	lasting := &steps.Lasting{Store: store, Inventory: channels.Inventory(), Now: f.Now, Log: f.Log}
	return steps.LogResolution{Store: store, Lasting: lasting, People: channels.Told(view), Now: f.Now, Log: f.Log}, nil
}
