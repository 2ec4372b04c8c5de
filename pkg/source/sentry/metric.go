package sentry

import (
	"cmp"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// metricAlert reads what a metric alert sends when a threshold is crossed, and when the
// metric is well again.
func metricAlert(doc intake.Value) (incident.Alert, bool, error) {
	action, it := doc.At("action").Text(), doc.At("data", "metric_alert")
	id := it.First("id", "identifier")
	if id == "" {
		it.At("id").Refuse("is missing; an alert is told apart by it")
	}
	severities := map[string]incident.Severity{
		"critical": incident.Critical, "warning": incident.Medium, "open": incident.High, "resolved": incident.Low,
	}
	severity, known := severities[action]
	if err := doc.Err(); err != nil || !known {
		return incident.Alert{}, false, err
	}
	shown := it.Apart()
	rule, projects := shown.At("alert_rule"), projectsOf(shown)
	link := intake.Link(doc.At("data", "web_url").Written())
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "sentry", Service: service(append(projects, rule.At("name").Written())...),
		Severity: severity, Identity: intake.Identity("metric_alert", id), Recovered: action == "resolved", Link: link,
		Timestamp: intake.FirstTime(shown.At("date_started"), shown.At("date_detected")),
		Labels: intake.Labels(map[string]string{
			"project": strings.Join(projects, ","), "alert": rule.At("name").Written(),
			"environment": rule.At("environment").Written(), "organization": segmentAfter(link, "organizations"),
			"organization_id": shown.At("organization_id").Written(), "dataset": rule.At("dataset").Written(),
		}),
	}
	a.ErrorLogs = metricEvidence(a, doc.At("data").Apart(), rule)
	return a, true, nil
}

func projectsOf(it intake.Value) (projects []string) {
	list := it.At("projects")
	if !list.Has() {
		list = it.At("alert_rule", "projects")
	}
	for _, project := range list.List(maxProjects) {
		if slug := project.Written(); slug != "" {
			projects = append(projects, slug)
		}
	}
	return projects
}

const maxProjects = 20

func metricEvidence(a incident.Alert, data, rule intake.Value) string {
	var w intake.Evidence
	name := rule.At("name").Written()
	title := cmp.Or(data.At("description_title").Written(), name, "a metric alert")
	if a.Recovered {
		w.Line("SENTRY " + title)
	} else {
		w.Line("SENTRY " + title + " (" + string(a.Severity) + ")")
	}
	// Sentry's own example has the two characters \n in the text.
	w.Block(strings.ReplaceAll(data.At("description_text").Written(), `\n`, "\n"))
	w.Add("rule", name)
	w.Add("metric", rule.At("aggregate").Written())
	w.Add("query", rule.At("query").Written())
	if window := rule.At("time_window").Written(); window != "" {
		w.Add("window", window+" minutes")
	}
	for _, trigger := range rule.At("triggers").List(maxRules) {
		threshold, direction := trigger.First("alert_threshold", "alertThreshold"), "above "
		if cmp.Or(trigger.First("threshold_type", "thresholdType"), rule.At("threshold_type").Written()) == "1" {
			direction = "below "
		}
		if threshold != "" {
			w.Add("threshold "+trigger.At("label").Written(), direction+threshold)
		}
	}
	w.AddAll(a.Labels, "alert")
	w.AddTime("since", a.Timestamp)
	return w.String()
}
