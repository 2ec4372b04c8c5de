// Package securityhub reads findings of AWS Security Hub in the AWS Security Finding
// Format: the events "Security Hub Findings - Imported" and "- Custom Action" of
// EventBridge, lists of findings, and one alone. It follows "AWS Security Finding Format
// (ASFF)" and "EventBridge event formats" in its user guide. Start at Integration.
package securityhub

import (
	"context"

	"github.com/opsguard/opsguard/pkg/intake/amazon"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Name is what services.yaml calls the type.
const Name = "securityhub"

// Settings are what services.yaml says of a source.
type Settings = amazon.Settings

// Source is safe for concurrent use.
type Source struct{ sender *amazon.Sender }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New(Name, "reads findings of AWS Security Hub, from EventBridge or SNS", Open)
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
