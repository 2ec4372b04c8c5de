// Package generic reads the JSON of a sender that OpsGuard does not know, by paths that
// services.yaml gives. Start at Integration; pkg/mapping says what a path is.
package generic

import (
	"context"
	"errors"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/mapping"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Token      integration.Secret `setting:"token" help:"what the sender puts into the header: a bearer token, the user:password of basic authentication, or the whole value of another header"`
	Header     string             `setting:"header" default:"Authorization" help:"the header that holds the token"`
	Alerts     string             `setting:"alerts" default:"$" help:"the path of the list of alerts; $ is the whole body, an alert or a list of them"`
	Service    []string           `setting:"service" default:"" help:"which service it is about; if there is nothing, the name of this entry"`
	Title      []string           `setting:"title" default:"" help:"the headline; if there is nothing, the service"`
	Message    []string           `setting:"message" default:"" help:"what a person and the rules should read, all of it, in this order; if there is nothing, every field of the alert"`
	Severity   []string           `setting:"severity" default:"" help:"how bad it is; the first that is a word of severities or of docs/sending.md counts, else it is high"`
	Severities map[string]string  `setting:"severities" default:"" help:"words of the sender, each with critical, high, medium or low"`
	State      []string           `setting:"state" default:"" help:"whether it fires"`
	Recovered  []string           `setting:"recovered" default:"" help:"the states that say that it is over; every other state fires"`
	Ignored    []string           `setting:"ignored" default:"" help:"the states of messages that are no alerts, such as an acknowledgement"`
	Identity   []string           `setting:"identity" default:"" help:"what makes two alerts the same trouble, joined; needed with recovered; if there is nothing, the service and the first error line do"`
	Link       []string           `setting:"link" default:"" help:"where the sender shows it"`
	Timestamp  []string           `setting:"timestamp" default:"" help:"since when: RFC 3339, or a number since 1970"`
	Labels     map[string]string  `setting:"labels" default:"" help:"for match in services.yaml and for people, each with its path; if there are none, every field by its path"`
}

func (s Settings) fields() mapping.Fields {
	return mapping.Fields{
		Service: s.Service, Title: s.Title, Message: s.Message, Severity: s.Severity, Severities: s.Severities, State: s.State,
		Recovered: s.Recovered, Ignored: s.Ignored, Identity: s.Identity, Link: s.Link, Timestamp: s.Timestamp, Labels: s.Labels,
	}
}

// Validate compiles every path, so that a mistake stops the start and not an alert.
func (s Settings) Validate() error {
	_, _, err := s.compile()
	return err
}

func (s Settings) compile() (mapping.List, *mapping.Mapping, error) {
	alerts := s.Alerts
	if alerts == "" {
		alerts = "$"
	}
	list, wrong := mapping.ParseList(alerts)
	if wrong != nil {
		wrong = incident.BadField("alerts", "%s", wrong)
	}
	fields, err := s.fields().Compile()
	if !isHeaderName(s.Header) {
		err = errors.Join(err, incident.BadField("header", "must be the name of a header, such as X-Token"))
	}
	return list, fields, errors.Join(wrong, err)
}

func isHeaderName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return s != "" && strings.Trim(s, letters) == ""
}

// Source is safe for concurrent use.
type Source struct {
	env      integration.Env
	settings Settings
	list     mapping.List
	fields   *mapping.Mapping
}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("generic", "reads the JSON of any other sender, by paths that services.yaml gives", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	list, fields, err := s.compile()
	if err != nil {
		return nil, err
	}
	return &Source{env, s, list, fields}, nil
}

// Authenticate checks the token in its header.
func (s *Source) Authenticate(ctx context.Context, r steps.Request) error {
	if strings.EqualFold(s.settings.Header, "Authorization") {
		return intake.Authorization(ctx, s.env, s.settings.Token, r.Header)
	}
	return intake.Token(ctx, s.env, s.settings.Token, r.Header.Get(s.settings.Header))
}

// Parse reads each alert of the list.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	document, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	alerts, more := s.list.Alerts(document)
	if len(alerts) == 0 && !document.IsArray() {
		if s.list.Exists(document) {
			return steps.Batch{}, nil // an empty list
		}
		return steps.Batch{}, incident.BadField("", "the body holds nothing at %s, where the alerts should be", s.settings.Alerts)
	}
	batch := steps.Batch{}
	reader := s.fields.Reader(document, mapping.Standard{Source: "generic", Service: s.env.Name()})
	for _, one := range alerts {
		alert, kept, err := reader.Alert(one)
		if err != nil || kept {
			batch.Add(alert, err)
		}
	}
	if more > 0 {
		batch.Refused = append(batch.Refused, incident.BadField("",
			"the body holds %d alerts too many; the first %d are taken, send the rest in requests of their own", more, intake.MaxAlerts))
	}
	return batch, nil
}
