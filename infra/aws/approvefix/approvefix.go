// Package approvefix opens the step that takes people's decisions.
package approvefix

import (
	"context"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/infra/aws/workflow"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/web"
)

// Keys reads the keys that sign links.
type Keys = func(context.Context) (link.Keys, error)

// Open binds approve-fix; what it returns gives the step for the public URL that a
// call came through.
func Open(ctx context.Context, f aws.Function, store *dynamo.Store, keys Keys) (func(link.PublicURL) web.Decider, error) {
	channels, err := people.OpenChannels(f, store, "") // no channel that runs here makes links by itself
	if err != nil {
		return nil, err
	}
	f.Warm(ctx, channels)
	step := steps.ApproveFix{Store: store, Delivery: workflow.Delivery(f, store), Inventory: channels.Inventory(), Now: f.Now, Log: f.Log}
	return func(url link.PublicURL) web.Decider { return decider{step, channels, keys, url} }, nil
}

// decider is the step with links that lead where the call came through.
type decider struct {
	step     steps.ApproveFix
	channels *people.Channels
	keys     Keys
	url      link.PublicURL
}

// Handle implements web.Decider.
func (d decider) Handle(ctx context.Context, in steps.ApproveFixInput) (steps.ApproveFixOutput, error) {
	d.step.People = d.people(ctx)
	return d.step.Handle(ctx, in)
}

// people are those whose messages show the decision. A message of several incidents keeps
// the links of the others: without keys to sign them, it is left to reconcile.
func (d decider) people(ctx context.Context) steps.People {
	if keys, err := d.keys(ctx); err == nil {
		if maker, err := link.NewMaker(keys, d.url); err == nil {
			return d.channels.Deciding(maker)
		}
	}
	return d.channels.Told(link.Viewer{URL: d.url})
}
