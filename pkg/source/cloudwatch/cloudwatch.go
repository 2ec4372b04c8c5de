// Package cloudwatch reads alarms of Amazon CloudWatch: what an alarm sends to an SNS
// topic, the events "CloudWatch Alarm State Change" and "CloudWatch Alarm Contributor
// State Change" of EventBridge, and what an alarm hands to a Lambda function. It follows
// "Notifying users on alarm changes", "Alarm events and EventBridge" and "Invoke a Lambda
// function from an alarm" in the user guide of CloudWatch. Start at Integration.
package cloudwatch

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Name is what services.yaml calls the type.
const Name = "cloudwatch"

// Settings are what services.yaml says of a source.
type Settings = amazon.Settings

// Source is safe for concurrent use.
type Source struct{ *amazon.Sender }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New(Name, "reads alarms of Amazon CloudWatch, from SNS or EventBridge", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{amazon.NewSender(env, s)}, nil
}

// The states of an alarm.
const (
	stateOK      = "OK"
	stateAlarm   = "ALARM"
	stateUnknown = "INSUFFICIENT_DATA"
)

// Parse reads one alarm that changed its state.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, says, err := amazon.Open(r.Body)
	if err != nil || !says {
		return steps.Batch{}, err
	}
	a, is := read(doc)
	if !is {
		return steps.Batch{}, doc.Err() // nil for an alarm that was only edited
	}
	switch a.state {
	case stateOK, stateAlarm, stateUnknown:
	default:
		a.stateAt.Refuse("must be OK, ALARM or INSUFFICIENT_DATA")
	}
	if a.name == "" {
		a.nameAt.Refuse("is missing; an alarm is known by its name")
	}
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	if a.state == stateUnknown && !a.chosen {
		return steps.Batch{}, nil // each alarm begins so; who wants to know has an action for it
	}
	alert := a.alert()
	return steps.One(alert, alert.Validate())
}

func (a alarm) alert() incident.Alert {
	labels := a.labels()
	alert := incident.Alert{
		Tenant: incident.DefaultTenant, Source: Name, Service: a.service(labels), Severity: a.severity(), Timestamp: a.at,
		Identity: a.identity(), Recovered: a.state == stateOK, Link: a.link(), Labels: intake.Labels(labels),
	}
	alert.ErrorLogs = a.evidence(alert.Severity)
	return alert
}

// identity is the alarm's ARN. Before ARNs were sent, a name was unique in a region of an
// account. Of an alarm that watches several series, each is a trouble of its own.
func (a alarm) identity() string {
	of := []string{a.arn}
	if a.arn == "" {
		of = []string{a.account, a.region, a.name}
	}
	if a.contributor != "" {
		of = append(of, a.contributor)
	}
	return intake.Identity(of...)
}

// severity is what the alarm's description says, since CloudWatch knows none.
func (a alarm) severity() incident.Severity {
	switch {
	case a.quiet != "": // people chose not to be told
		return incident.Low
	case a.state == stateUnknown:
		return intake.Severity(incident.Medium, a.described())
	}
	return intake.Severity(incident.High, a.described())
}
