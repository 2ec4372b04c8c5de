// Package sentry reads the webhooks of a Sentry integration: issue alerts, metric alerts,
// issues and errors, as "Integration Platform: Webhooks" in Sentry's documentation
// describes them, and what the older WebHooks plugin posts. Start at Integration.
package sentry

import (
	"context"
	"crypto/sha256"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Secret integration.Secret `setting:"secret" help:"the client secret that Sentry shows on the page of the integration"`
	Plugin integration.Secret `setting:"plugin" default:"" help:"for the older WebHooks plugin only: the user:password in its address"`
}

// Source is safe for concurrent use.
type Source struct {
	env      integration.Env
	settings Settings
}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("sentry", "reads the webhooks of a Sentry integration: issue alerts, metric alerts, issues and errors", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) { return &Source{env, s}, nil }

// Authenticate checks Sentry-Hook-Signature. It covers the body and nothing else;
// Sentry-Hook-Timestamp is not signed, so that checking it would prove nothing.
func (s *Source) Authenticate(ctx context.Context, r steps.Request) error {
	if r.Header.Get("Sentry-Hook-Signature") == "" && !s.settings.Plugin.IsZero() {
		return intake.Authorization(ctx, s.env, s.settings.Plugin, r.Header)
	}
	return intake.Signature(ctx, s.env, s.settings.Secret, sha256.New, r.Body, intake.Hex(r.Header.Get("Sentry-Hook-Signature")))
}

// Delivery implements steps.Signer. Request-ID would name the request too, but it is not
// signed. What the plugin posts has no name.
func (s *Source) Delivery(r steps.Request) string {
	if r.Header.Get("Sentry-Hook-Signature") == "" {
		return ""
	}
	return intake.BodyName(r.Body)
}

// Parse reads one message. What is no alert, such as a comment, is taken and does
// nothing.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	read, err := readerOf(r.Header.Get("Sentry-Hook-Resource"), doc)
	if err != nil || read == nil {
		return steps.Batch{}, err
	}
	alert, isAlert, err := read(doc)
	if err != nil || !isAlert {
		return steps.Batch{}, err
	}
	return steps.One(alert, alert.Validate())
}

// reader reads one kind of message; false if it is no alert.
type reader func(doc intake.Value) (a incident.Alert, isAlert bool, err error)

// kind is a resource that can be an alert, and the member of data that describes it.
type kind struct {
	resource, member string
	read             reader
}

func kinds() []kind {
	return []kind{
		{"event_alert", "event", eventAlert},
		{"error", "error", newError},
		{"issue", "issue", issue},
		{"metric_alert", "metric_alert", metricAlert},
	}
}

// readerOf finds what a message is by the header, and by its body where there is none.
// The header is not signed: the reader refuses a body that is of another kind. There is
// no reader for what is never an alert.
func readerOf(resource string, doc intake.Value) (reader, error) {
	data := doc.At("data")
	for _, k := range kinds() {
		if k.resource == resource || resource == "" && data.At(k.member).Has() {
			return k.read, nil
		}
	}
	switch {
	case doc.Err() != nil:
	case resource != "", data.Has() && doc.At("installation").Has():
		return nil, nil
	case !data.Has() && doc.At("event").Has():
		return plugin, nil
	default:
		data.Refuse("is missing; this is not what Sentry sends")
	}
	return nil, doc.Err()
}
