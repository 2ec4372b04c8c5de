// Package azuremonitor reads what an action group of Azure Monitor posts to a webhook in
// the common alert schema, as "Common alert schema" and "Sample alert payloads" in the
// documentation of Azure Monitor describe it. Start at Integration.
package azuremonitor

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// schema is the only document that is read. The others differ for each kind of alert.
const schema = "azureMonitorCommonAlertSchema"

// Settings are what services.yaml says of a source.
type Settings struct {
	Authorization integration.Secret `setting:"authorization" help:"the user:password that stands before the host in the webhook's URI"`
}

// Source is safe for concurrent use. Azure signs nothing: it makes an
// Authorization header of the credentials in the URI.
type Source struct{ intake.ByHeader }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("azure-monitor", "reads what an action group of Azure Monitor posts in the common alert schema", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Authorization}}, nil
}

// Parse reads one alert that fired or was resolved.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	if doc.At("schemaId").Written() != schema {
		doc.At("schemaId").Refuse("must be %s; enable the common alert schema for the webhook of the action group", schema)
	}
	return steps.One(read(doc))
}

// alert is the document in parts.
type alert struct {
	essentials, context intake.Value
	custom              map[string]string // custom properties of the rule
	target              resource          // what the alert is about
}

func read(doc intake.Value) (incident.Alert, error) {
	essentials := doc.At("data", "essentials")
	id, condition := essentials.At("alertId").Text(), essentials.At("monitorCondition").Text()
	if condition != "Fired" && condition != "Resolved" {
		essentials.At("monitorCondition").Refuse("must be Fired or Resolved")
	}
	if id == "" {
		essentials.At("alertId").Refuse("is empty; an alert is known by it")
	}
	fired := essentials.At("firedDateTime").Time()
	if err := doc.Err(); err != nil {
		return incident.Alert{}, err
	}
	in := alert{essentials: essentials, context: doc.At("data", "alertContext")}
	in.custom = intake.Merge(doc.At("data", "customProperties").Flat(), in.conditionProperties())
	in.target = targetOf(essentials)
	labels := in.labels()
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "azure-monitor", Service: in.service(labels), Severity: in.severity(),
		Timestamp: fired, Identity: intake.Identity(id), Recovered: condition == "Resolved",
		Link: in.link(), Labels: intake.Labels(labels),
	}
	if identity, over := in.health(); identity != "" {
		a.Identity, a.Recovered = intake.Identity(identity), over
	}
	a.ErrorLogs = in.evidence(a)
	return a, a.Validate()
}

// conditionProperties are the properties that a rule of metrics or logs adds. An event of
// the activity log has properties too, but those say what happened.
func (in alert) conditionProperties() map[string]string {
	if in.context.At("condition").Has() {
		return in.context.At("properties").Flat()
	}
	return nil
}

// severity maps Azure's five: Sev0 is Critical, Sev1 Error, Sev2 Warning, Sev3
// Informational, Sev4 Verbose. Alerts of the activity log are always Sev4, so their
// event says more.
func (in alert) severity() incident.Severity {
	if s, known := in.eventSeverity(); known {
		return s
	}
	switch in.essentials.At("severity").Written() {
	case "Sev0":
		return incident.Critical
	case "Sev2":
		return incident.Medium
	case "Sev3", "Sev4":
		return incident.Low
	case "": // a budget
		return incident.Low
	}
	return incident.High
}

// link is where Azure shows the alert, what the query found, or the resource.
func (in alert) link() string {
	first := in.context.At("condition", "allOf").List(1)
	links := []string{in.essentials.At("investigationLink").Written()}
	for _, c := range first {
		links = append(links, c.At("linkToFilteredSearchResultsUI").Written(), c.At("linkToSearchResultsUI").Written())
	}
	links = append(links, in.context.At("LinkToFilteredSearchResultsUI").Written(), in.context.At("LinkToSearchResults").Written())
	if in.target.id != "" {
		links = append(links, "https://portal.azure.com/#resource"+in.target.id)
	}
	return intake.FirstLink(links...)
}
