package grafana

import (
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// What Grafana names the alerts that it makes when a rule could not be evaluated. They
// have the rule's labels, but rulename in place of alertname.
const (
	noData      = "DatasourceNoData"
	sourceError = "DatasourceError"
)

func read(doc, item intake.Value) (incident.Alert, error) {
	labels, notes := item.At("labels").Fields(), item.At("annotations").Fields()
	status, starts, fingerprint := item.At("status").Text(), item.At("startsAt").Time(), item.At("fingerprint").Text()
	if status != "firing" && status != "resolved" {
		item.At("status").Refuse("must be firing or resolved")
	}
	if fingerprint == "" {
		item.At("fingerprint").Refuse("is empty; an alert is known by it")
	}
	if err := item.Err(); err != nil {
		return incident.Alert{}, err
	}
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "grafana", Service: intake.Name(service(labels)),
		Severity:  intake.Severity(otherwise(labels["alertname"]), labels["severity"], notes["severity"], labels["priority"], labels["level"]),
		Timestamp: starts, Identity: intake.Identity(fingerprint), Recovered: status == "resolved",
		Link: intake.FirstLink(item.At("generatorURL").Written(), item.At("panelURL").Written(), item.At("dashboardURL").Written(),
			doc.At("externalURL").Written()),
		Labels: intake.Labels(intake.Merge(labels, map[string]string{"ruleUID": item.At("ruleUID").Written()})),
	}
	a.ErrorLogs = evidence(doc, item, a, labels, notes)
	return a, a.Validate()
}

// otherwise is the severity of an alert whose labels say none: that a rule could not be
// evaluated says less than that it fired.
func otherwise(name string) incident.Severity {
	if name == noData || name == sourceError {
		return incident.Medium
	}
	return incident.High
}

func service(labels map[string]string) string {
	if found := intake.ServiceOf(labels); found != "" {
		return found
	}
	if found := intake.FirstOf(labels, "rulename", "alertname"); found != "" {
		return found
	}
	return "grafana"
}

func evidence(doc, item intake.Value, a incident.Alert, labels, notes map[string]string) string {
	var e intake.Evidence
	e.Line(headline(labels, a))
	e.Add("summary", intake.FirstOf(notes, "summary", "title"))
	e.Add("description", intake.FirstOf(notes, "description", "message"))
	if a.Recovered {
		e.AddAll(labels, "alertname")
		addTimes(&e, item, a)
		return e.String()
	}
	e.Add("error", notes["Error"]) // what the data source answered
	values := item.At("values").Flat()
	for _, name := range item.At("values").Names() {
		e.Add("value "+name, values[name])
	}
	e.Add("evaluation", item.At("valueString").Written())
	e.AddAll(notes, "summary", "description", "title", "message", "severity", "Error")
	e.AddAll(labels, "alertname")
	addTimes(&e, item, a)
	e.Add("panel", item.At("panelURL").Written())
	e.Add("dashboard", item.At("dashboardURL").Written())
	e.Add("image", item.At("imageURL").Written())
	if item.At("enrichments").Has() {
		e.Add("enrichments", item.At("enrichments").JSON())
	}
	if n := intake.Truncated(doc.At("truncatedAlerts")); n != "" {
		e.Add("not shown", n+" more alerts of this group, which Grafana left out (max alerts)")
	}
	return e.String()
}

func headline(labels map[string]string, a incident.Alert) string {
	word := "ALERT "
	if a.Recovered {
		word = "RESOLVED "
	}
	end := " (" + string(a.Severity) + ")"
	switch name := labels["alertname"]; name {
	case noData:
		return word + name + ": the query of the rule " + labels["rulename"] + " returned no data" + end
	case sourceError:
		return word + name + ": the rule " + labels["rulename"] + " could not be evaluated" + end
	default:
		return word + name + end
	}
}

func addTimes(e *intake.Evidence, item intake.Value, a incident.Alert) {
	e.AddTime("firing since", a.Timestamp)
	if a.Recovered {
		e.Add("resolved at", item.At("endsAt").Written())
	}
}
