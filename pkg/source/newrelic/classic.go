package newrelic

import (
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// classic reads the older document of an incident. told is false for what is no news of
// the trouble.
func classic(doc intake.Value) (a incident.Alert, told bool, err error) {
	id, account := doc.First("incident_id"), doc.At("account_id").Written()
	now := phaseOf(doc.At("current_state"))
	if id == "" {
		doc.At("incident_id").Refuse("must be a number or a text")
	}
	if err := doc.Err(); err != nil || now == nothing || isTest(doc, id) {
		return incident.Alert{}, false, err
	}
	target := intake.Value{}
	for _, t := range doc.At("targets").List(1) {
		target = t
	}
	labels := intake.Merge(given(target.At("labels")), map[string]string{
		"entity": target.At("name").Written(), "entityType": target.At("type").Written(), "product": target.At("product").Written(),
		"policy": doc.At("policy_name").Written(), "condition": doc.At("condition_name").Written(), "account": account,
		"accountName": doc.At("account_name").Written(),
	})
	a = incident.Alert{
		Tenant: incident.DefaultTenant, Source: "newrelic", Service: service(labels, doc.At("details").Written()),
		Severity:  intake.Severity(incident.High, doc.At("severity").Written(), doc.At("priority").Written()),
		Timestamp: doc.At("timestamp").Epoch(), Identity: intake.Identity(strings.Trim("incident/"+account, "/"), id), Recovered: now == over,
		Link: intake.FirstLink(doc.At("incident_url").Written(), doc.At("violation_callback_url").Written()), Labels: intake.Labels(labels),
	}
	a.ErrorLogs = classicEvidence(doc, target, a)
	return a, true, a.Validate()
}

// isTest reports what the button Send a test notification sends: incident 0.
func isTest(doc intake.Value, id string) bool {
	return doc.At("event_type").Written() == "NOTIFICATION" || id == "0" && doc.At("condition_id").Written() == "0"
}

func classicEvidence(doc, target intake.Value, a incident.Alert) string {
	var e intake.Evidence
	e.Headline(a, "ALERT", "CLOSED", doc.First("condition_name", "policy_name"))
	e.Add("details", doc.At("details").Written())
	e.Add("entity", target.At("name").Written())
	e.Add("policy", doc.At("policy_name").Written())
	e.Add("event", doc.At("event_type").Written())
	e.AddTime("time", a.Timestamp)
	if a.Recovered {
		return e.String()
	}
	e.Add("metric", doc.At("condition_metric_name").Written())
	e.Add("runbook", doc.At("runbook_url").Written())
	e.Add("chart", doc.At("violation_chart_url").Written())
	for _, level := range doc.At("open_violations_count").Names() {
		e.Add("open violations, "+level, doc.At("open_violations_count", level).Written())
	}
	e.AddAll(given(target.At("labels")))
	e.Block(doc.At("VIOLATION DESCRIPTION").Written())
	return e.String()
}
