// Package newrelic reads what New Relic posts to a webhook: the default template of a
// workflow, as "Notification integrations" and "Workflow variables" in New Relic's
// documentation describe it, and the older document of an incident that classic
// notification channels and several templates send. Start at Integration.
package newrelic

import (
	"context"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Authorization integration.Secret `setting:"authorization" help:"the destination's bearer token, or the user:password of its basic auth"`
}

// Source is safe for concurrent use. New Relic signs nothing: the Authorization
// header proves it.
type Source struct{ intake.ByHeader }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("newrelic", "reads what New Relic's workflows post to a webhook", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Authorization}}, nil
}

// Parse reads one change of one issue or incident.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	read := issue
	switch {
	case doc.At("incident_id").Has():
		read = classic
	case !doc.At("id").Has():
		doc.At("id").Refuse("is missing, and so is incident_id; use New Relic's default template or that of the guide")
	}
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	a, told, err := read(doc)
	if err != nil || !told {
		return steps.Batch{}, err
	}
	return steps.Batch{Alerts: []incident.Alert{a}}, nil
}

// phase is what a state means.
type phase int

const (
	firing phase = iota
	over
	nothing // somebody acknowledged it: no news of the trouble
)

// phaseOf knows the states of issues (CREATED, ACTIVATED, CLOSED, and those that people
// set) and of incidents (open, acknowledged, closed).
func phaseOf(state intake.Value) phase {
	switch strings.ToLower(state.Text()) {
	case "created", "activated", "open", "opened":
		return firing
	case "closed", "resolved", "deactivated":
		return over
	case "acknowledged", "investigating", "test":
		return nothing
	}
	state.Refuse("is not known; it must be CREATED, ACTIVATED or CLOSED, or open, acknowledged or closed")
	return nothing
}

// issue reads the default template of a workflow, and what the guide adds to it. told is
// false for what is no news of the trouble.
func issue(doc intake.Value) (a incident.Alert, told bool, err error) {
	id, now := doc.First("id"), phaseOf(doc.At("state"))
	if id == "" {
		doc.At("id").Refuse("is empty; it must be the issue's id")
	}
	if err := doc.Err(); err != nil || now == nothing || now == firing && !isNews(doc.At("trigger").Written()) {
		return incident.Alert{}, false, err
	}
	labels := intake.Merge(given(doc.At("labels")), map[string]string{
		"entity": first(doc, "impactedEntities"), "policy": first(doc, "alertPolicyNames"), "condition": firstCondition(doc),
		"account": doc.At("accountId").Written(), "workflow": doc.At("workflowName").Written(),
	})
	a = incident.Alert{
		Tenant: incident.DefaultTenant, Source: "newrelic", Service: service(labels, doc.At("title").Written()),
		Severity:  intake.Severity(incident.High, doc.At("priority").Written(), doc.At("severity").Written()),
		Timestamp: doc.At("createdAt").Epoch(), Identity: intake.Identity("issue", id), Recovered: now == over,
		Link: intake.Link(doc.At("issueUrl").Written()), Labels: intake.Labels(labels),
	}
	a.ErrorLogs = issueEvidence(doc, a)
	return a, true, a.Validate()
}

// isNews reports whether a notification of an open issue says that there is trouble. A
// person's action says none, nor does the end of one of its incidents.
func isNews(trigger string) bool { return trigger != "USER_ACTION" && trigger != "INCIDENT_CLOSED" }

// given are the labels of a template, without the one that only ends the list there.
func given(labels intake.Value) map[string]string {
	flat := labels.Flat()
	delete(flat, "NewRelic")
	return flat
}

func first(doc intake.Value, name string) string {
	return strings.Join(doc.At(name).Texts(1), "")
}

func firstCondition(doc intake.Value) string {
	if name := first(doc, "alertConditionNames"); name != "" {
		return name
	}
	return doc.At("condition_name").Written()
}

func service(labels map[string]string, otherwise string) string {
	found := intake.FirstOf(labels, "service", "app", "application", "appName", "affectedService", "k8s.deploymentName",
		"entity", "policy", "condition")
	return intake.FirstName(found, otherwise, "newrelic")
}

func issueEvidence(doc intake.Value, a incident.Alert) string {
	var e intake.Evidence
	title := doc.First("title", "details")
	if title == "" {
		title = firstCondition(doc)
	}
	e.Headline(a, "ALERT", "CLOSED", title)
	e.Add("entities", strings.Join(doc.At("impactedEntities").Texts(intake.MaxLabels), ", "))
	e.Add("policy", strings.Join(doc.At("alertPolicyNames").Texts(intake.MaxLabels), ", "))
	e.Add("condition", firstCondition(doc))
	e.AddTime("open since", a.Timestamp)
	e.Add("trigger", doc.At("trigger").Written())
	if a.Recovered {
		return e.String()
	}
	if n := doc.At("totalIncidents").Written(); n != "" && n != "1" {
		e.Add("incidents in this issue", n)
	}
	e.Add("query", strings.Join(doc.At("nrqlQuery").Texts(intake.MaxLabels), "; "))
	e.Add("runbook", strings.Join(doc.At("runbookUrl").Texts(intake.MaxLabels), ", "))
	e.Add("chart", doc.At("chartUrl").Written())
	e.AddAll(given(doc.At("labels")))
	for _, text := range doc.At("description").Texts(intake.MaxLabels) {
		e.Block(text)
	}
	return e.String()
}
