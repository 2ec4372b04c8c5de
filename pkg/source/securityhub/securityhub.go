// Package securityhub reads findings of AWS Security Hub in the AWS Security Finding
// Format: the events "Security Hub Findings - Imported" and "- Custom Action" of
// EventBridge, lists of findings, and one alone. It follows "AWS Security Finding Format
// (ASFF)" and "EventBridge event formats" in its user guide. Start at Integration.
package securityhub

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Name is what services.yaml calls the type.
const Name = "securityhub"

// Settings are what services.yaml says of a source.
type Settings = amazon.Settings

// Source is safe for concurrent use.
type Source struct{ *amazon.Sender }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New(Name, "reads findings of AWS Security Hub, from EventBridge or SNS", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{amazon.NewSender(env, s)}, nil
}

// version is the only version of the format that there is.
const version = "2018-10-08"

// Parse reads the findings of an event or of a list, or one finding.
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
	batch.Refuse(doc.Err()) // a list that is too long. The mistakes of one finding alone are in Refused already.
	return batch, nil
}

// findingsOf returns none for an event that is about no finding.
func findingsOf(doc intake.Value) ([]intake.Value, error) {
	if doc.IsArray() {
		return listed(doc, doc)
	}
	if event, is := amazon.ReadEvent(doc, "aws.securityhub"); is {
		switch event.Kind {
		case "Security Hub Findings - Imported", "Security Hub Findings - Custom Action":
			if !event.Detail.At("findings").Has() {
				event.Detail.At("findings").Refuse("is missing")
			}
			return listed(doc, event.Detail.At("findings"))
		case "Security Hub Insight Results", "Security Hub Standard Results":
			return nil, doc.Err()
		}
		doc.At("detail-type").Refuse("is not read; route Security Hub Findings - Imported here")
		return nil, doc.Err()
	}
	for _, name := range []string{"Findings", "findings"} { // what the API answers and takes, and detail alone
		if doc.At(name).Has() {
			return listed(doc, doc.At(name))
		}
	}
	if !doc.At("SchemaVersion").Has() {
		doc.At("SchemaVersion").Refuse("is missing; this is no finding in the AWS Security Finding Format")
		return nil, doc.Err()
	}
	return []intake.Value{doc}, doc.Err()
}

func listed(doc, list intake.Value) ([]intake.Value, error) {
	findings := list.List(intake.MaxAlerts)
	if len(findings) == 0 {
		return nil, doc.Err()
	}
	return findings, nil
}

func alertOf(v intake.Value) (incident.Alert, error) {
	if got := v.At("SchemaVersion").Text(); got != version {
		v.At("SchemaVersion").Refuse("is not known; findings of the version %s are read", version)
	}
	f := read(v)
	if err := v.Err(); err != nil {
		return incident.Alert{}, err
	}
	l := f.labels()
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: Name, Service: f.service(l), Severity: f.severity(), Timestamp: f.seen,
		Identity: f.identity(), Recovered: f.over() != "", Link: f.link(), Labels: intake.Labels(l),
	}
	a.ErrorLogs = f.evidence(a)
	return a, a.Validate()
}
