// Package logresolution opens the step that ends an incident and updates its
// messages. By then a decision stands, so links only show: the step needs no key.
package logresolution

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Open binds log-resolution; what it returns gives the step with the channels of
// now.
func Open(ctx context.Context, f aws.Function, store *dynamo.Store) (func(context.Context) steps.LogResolution, error) {
	view, err := people.OpenViewer()
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
