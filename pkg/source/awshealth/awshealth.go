// Package awshealth reads the events of AWS Health that EventBridge delivers: trouble and
// planned work of AWS itself. It follows "AWS Health events Amazon EventBridge schema" in
// the user guide of AWS Health. Start at Integration.
package awshealth

import (
	"context"

	"github.com/opsguard/opsguard/pkg/intake/amazon"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Name is what services.yaml calls the type.
const Name = "aws-health"

// Settings are what services.yaml says of a source.
type Settings = amazon.Settings

// Source is safe for concurrent use.
type Source struct{ sender *amazon.Sender }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New(Name, "reads events of AWS Health, from EventBridge or SNS", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{amazon.NewSender(env, s)}, nil
}

// Authenticate checks the signature of SNS, or the token of EventBridge.
func (s *Source) Authenticate(ctx context.Context, r steps.Request) error {
	return s.sender.Authenticate(ctx, r.Header, r.Body)
}

// Delivery names a message of SNS.
func (s *Source) Delivery(r steps.Request) string { return s.sender.Delivery(r.Body) }

// Greet confirms the subscription to a topic.
func (s *Source) Greet(ctx context.Context, r steps.Request) (bool, error) {
	return s.sender.Greet(ctx, r.Body)
}
