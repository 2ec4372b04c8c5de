// Package cloudevents reads alerts that come as CloudEvents 1.0 over HTTP, in the
// structured, the batched and the binary mode: "HTTP Protocol Binding for CloudEvents" and
// "JSON Event Format for CloudEvents", 1.0.2. It grants what "HTTP 1.1 Web Hooks for Event
// Delivery", 1.0.2, has senders ask for. Start at Integration.
//
// CloudEvents does not say how an event tells a severity or that something is over. The
// settings do; their defaults are what senders usually write.
package cloudevents

import (
	"context"
	"net/http"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/mapping"
	"github.com/opsguard/opsguard/pkg/steps"
)

// The schemes by which a sender proves who it is.
const (
	byToken   = "token"
	byWebhook = "standard-webhooks"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Secret     integration.Secret `setting:"secret" help:"for token what Authorization holds: a bearer token, or the user:password of basic authentication; for standard-webhooks the key, whsec_ and base64"`
	Scheme     string             `setting:"scheme" default:"token" help:"how the sender proves who it is: token, or standard-webhooks, which signs"`
	Service    []string           `setting:"service" default:"" help:"which service it is about: paths in the event; if there is nothing, the last part of source"`
	Title      []string           `setting:"title" default:"" help:"the headline; if there is nothing, type"`
	Message    []string           `setting:"message" default:"" help:"what a person and the rules should read; if it is left out, data and every attribute"`
	Severity   []string           `setting:"severity" default:"" help:"how bad it is; if it is left out, the extensions severity, severitytext and severitynumber, and what data says"`
	Severities map[string]string  `setting:"severities" default:"" help:"words of the sender, each with critical, high, medium or low"`
	State      []string           `setting:"state" default:"" help:"whether it fires; if it is left out, the last word of type, the extensions state and status, and what data says"`
	Recovered  []string           `setting:"recovered" default:"" help:"the states that say that it is over; if it is left out, resolved, recovered, closed, ok and the like"`
	Ignored    []string           `setting:"ignored" default:"" help:"the states of events that are no alerts; if it is left out, acknowledged, silenced, test and the like"`
	Identity   []string           `setting:"identity" default:"" help:"what makes two events the same trouble, joined; if it is left out, source, subject, and an id in data or type without its state"`
	Link       []string           `setting:"link" default:"" help:"where the sender shows it; if it is left out, link or url of data"`
}

// Validate compiles every path, so that a mistake stops the start and not an alert.
func (s Settings) Validate() error {
	if s.Scheme != byToken && s.Scheme != byWebhook {
		return incident.BadField("scheme", "must be token or standard-webhooks")
	}
	_, err := s.fields().Compile()
	return err
}

// fields fills in what is left out.
func (s Settings) fields() mapping.Fields {
	f := mapping.Fields{
		Service: or(s.Service, "service", "data.service", "data.serviceName", "data.app", "data.application", "data.deployment",
			"data.host", "data.hostname"),
		Title:   or(s.Title, "data.title", "data.summary", "data.alertname", "data.alertName", "data.name", "type"),
		Message: or(s.Message, "data", "data: {"+leftOut+"}", "type", "source", "subject", extensions),
		Severity: or(s.Severity, "severity", "severitytext", "data.severity", "data.level", "data.priority", "data.labels.severity",
			numbered),
		Severities: map[string]string{"trace": "low"},
		State:      or(s.State, typeState, "state", "status", "data.state", "data.status"),
		Recovered:  or(s.Recovered, recoveredWords()...), Ignored: or(s.Ignored, ignoredWords()...),
		Identity: or(s.Identity, "source", "subject", trouble), Link: or(s.Link, "data.link", "data.url", "data.alertUrl"),
		Timestamp: []string{"time"},
	}
	for word, severity := range s.Severities {
		f.Severities[word] = severity
	}
	return f
}

func or(given []string, standard ...string) []string {
	if len(given) > 0 {
		return given
	}
	return standard
}

// Source is safe for concurrent use.
type Source struct {
	env      integration.Env
	settings Settings
	fields   *mapping.Mapping
}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("cloudevents", "reads CloudEvents 1.0, structured, batched or binary", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	fields, err := s.fields().Compile()
	if err != nil {
		return nil, err
	}
	return &Source{env, s, fields}, nil
}

// Authenticate checks the token, or the signature over the body.
func (s *Source) Authenticate(ctx context.Context, r steps.Request) error {
	if s.settings.Scheme == byWebhook {
		return intake.StandardWebhook(ctx, s.env, s.settings.Secret, r.Header, r.Body, s.env.Now())
	}
	return intake.Authorization(ctx, s.env, s.settings.Secret, r.Header)
}

// The handshake of "HTTP 1.1 Web Hooks for Event Delivery" 1.0.2, section 4.
const (
	requestOrigin = "Webhook-Request-Origin"
	allowedOrigin = "Webhook-Allowed-Origin"
	allowedRate   = "Webhook-Allowed-Rate"
	anyRate       = "*"
)

// maxOrigin is the longest name that DNS has, in bytes.
const maxOrigin = 253

// Consent allows a sender to send that names itself. It may send as often as it likes, as
// every other sender. The address in WebHook-Request-Callback is never called: anybody
// can write one.
func (s *Source) Consent(r steps.Request) (http.Header, error) {
	origin := r.Header.Get(requestOrigin)
	if origin == "" || len(origin) > maxOrigin || strings.ContainsFunc(origin, notInDNS) {
		return nil, incident.BadField("WebHook-Request-Origin", "must be the DNS name of the sender, like events.example.com")
	}
	return http.Header{allowedOrigin: {origin}, allowedRate: {anyRate}}, nil
}

// notInDNS reports whether no expression of a DNS name has the character.
func notInDNS(c rune) bool {
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return !letter && (c < '0' || c > '9') && !strings.ContainsRune(".-_*", c)
}

// Delivery names a signed request.
func (s *Source) Delivery(r steps.Request) string {
	if s.settings.Scheme != byWebhook {
		return ""
	}
	return intake.StandardWebhookID(r.Header)
}

// Parse reads one event or a batch.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	events, problems, err := s.events(r)
	if err != nil {
		return steps.Batch{}, err
	}
	batch := steps.Batch{Refused: problems}
	for _, e := range events {
		alert, kept, err := s.alert(e)
		if err != nil || kept {
			batch.Add(alert, err)
		}
	}
	return batch, nil
}

func (s *Source) alert(e event) (a incident.Alert, kept bool, err error) {
	document := intake.Of(e.path, e.document(s.fields.States()))
	a, kept, err = s.fields.Reader(document, mapping.Standard{Source: "cloudevents",
		Service: lastPart(e.attributes["source"])}).Alert(document)
	if err != nil || !kept {
		return a, kept, err
	}
	a.Labels = e.labels()
	return a, true, a.Validate()
}

// lastPart is what names the service in a source such as /clusters/eu/checkout or
// https://checkout.example.com.
func lastPart(source string) string {
	trimmed := strings.TrimRight(source, "/")
	if part := trimmed[strings.LastIndexAny(trimmed, "/:")+1:]; intake.Name(part) != "" {
		return part
	}
	return "cloudevents"
}
