// Package approvefix opens the step that takes people's decisions.
package approvefix

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/infra/aws/workflow"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/web"
)

// Open binds approve-fix; what it returns gives the step for the public URL that a
// call came through.
func Open(ctx context.Context, f aws.Function, store *dynamo.Store) (func(link.PublicURL) web.Decider, error) {
	channels, err := people.OpenChannels(f, store)
	if err != nil {
		return nil, err
	}
	f.Warm(ctx, channels)
	inv, err := aws.Inventory()
	if err != nil {
		return nil, err
	}
	step := steps.ApproveFix{Store: store, Delivery: workflow.Delivery(f, store), Inventory: inv, Now: f.Now, Log: f.Log}
	return func(url link.PublicURL) web.Decider { return decider{step, channels, link.Viewer{URL: url}} }, nil
}

// decider is the step with the channels of now.
type decider struct {
	step     steps.ApproveFix
	channels *people.Channels
	links    link.Viewer
}

// maxLook bounds how long a decision waits for the channels' secret to be read anew.
const maxLook = 3 * time.Second

// Handle implements web.Decider.
func (d decider) Handle(ctx context.Context, in steps.ApproveFixInput) (steps.ApproveFixOutput, error) {
	look, cancel := context.WithTimeout(ctx, maxLook)
	d.step.People = d.channels.Told(look, d.links)
	cancel()
	return d.step.Handle(ctx, in)
}
