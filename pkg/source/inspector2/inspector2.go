// Package inspector2 reads findings of Amazon Inspector: the event "Inspector2 Finding" of
// EventBridge, and the list that the API answers. It follows "Amazon EventBridge event
// schema for Amazon Inspector events" in its user guide. Start at Integration.
package inspector2

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Name is what services.yaml calls the type.
const Name = "inspector2"

// Settings are what services.yaml says of a source.
type Settings = amazon.Settings

// Source is safe for concurrent use.
type Source struct{ *amazon.Sender }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New(Name, "reads findings of Amazon Inspector, from EventBridge or SNS", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{amazon.NewSender(env, s)}, nil
}

// Parse reads one finding of an event, or those of a list.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, says, err := amazon.Open(r.Body)
	if err != nil || !says {
		return steps.Batch{}, err
	}
	findings, err := findingsOf(doc)
	if err != nil {
		return steps.Batch{}, err
	}
	batch := steps.Batch{}
	for _, f := range findings {
		batch.Add(alertOf(f))
	}
	batch.Refuse(doc.Err()) // a list that is too long. The mistakes of an event are in Refused already.
	return batch, nil
}

// findingsOf returns none for an event of Inspector that is about no finding.
func findingsOf(doc intake.Value) ([]intake.Value, error) {
	event, is := amazon.ReadEvent(doc, "aws.inspector2")
	switch {
	case is && event.Kind == "Inspector2 Finding":
		return []intake.Value{event.Detail}, doc.Err()
	case is: // a scan that is complete, what is covered
		return nil, doc.Err()
	case !doc.At("findings").Has():
		doc.At("detail-type").Refuse("is missing; this is neither an event of EventBridge nor a list of findings")
	}
	findings := doc.At("findings").List(intake.MaxAlerts)
	if len(findings) == 0 {
		return nil, doc.Err()
	}
	return findings, nil
}

func alertOf(v intake.Value) (incident.Alert, error) {
	f := read(v)
	switch f.status {
	case "ACTIVE", "CLOSED", "SUPPRESSED":
	default:
		v.At("status").Refuse("must be ACTIVE, CLOSED or SUPPRESSED")
	}
	if err := v.Err(); err != nil {
		return incident.Alert{}, err
	}
	l := f.labels()
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: Name, Service: f.service(l),
		Severity:  intake.Severity(incident.Medium, f.severity), // what is UNTRIAGED is medium
		Timestamp: f.seen, Identity: intake.Identity(f.arn), Recovered: f.status != "ACTIVE", Link: f.link(), Labels: intake.Labels(l),
	}
	a.ErrorLogs = f.evidence(a)
	return a, a.Validate()
}
