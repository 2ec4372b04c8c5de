package elastic

import (
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// recovered is the action group of an alert that is over, of every type of rule.
const recovered = "recovered"

func kibana(doc intake.Value) (incident.Alert, error) {
	rule, alert, group := doc.At("ruleId").Text(), doc.At("alertId").Text(), doc.At("actionGroup").Text()
	if rule == "" {
		doc.At("ruleId").Refuse("is empty; it must be {{rule.id}}")
	}
	if alert == "" {
		doc.At("alertId").Refuse("is empty; set the action frequency of the rule to For each alert")
	}
	if group == "" {
		doc.At("actionGroup").Refuse("is empty; it must be {{alert.actionGroup}}")
	}
	date := doc.At("date").Time()
	if err := doc.Err(); err != nil {
		return incident.Alert{}, err
	}
	context, tags := contextOf(doc), tagsOf(doc.At("tags").Written())
	flat := context.Flat()
	labels := intake.Merge(tags, groupFields(flat), flat, map[string]string{
		"ruleId": rule, "ruleName": doc.At("ruleName").Written(), "alertId": alert, "space": doc.At("space").Written(), "actionGroup": group,
	})
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "elastic", Service: intake.FirstName(service(short(labels)), labels["ruleName"], "elastic"),
		Severity:  intake.Severity(incident.High, tags["severity"], flat["severity"], flat["rule.severity"], lastWord(group)),
		Timestamp: date, Identity: intake.Identity(rule, alert), Recovered: group == recovered,
		Link:   intake.FirstLink(flat["alertDetailsUrl"], flat["link"], flat["viewInAppUrl"], doc.At("ruleUrl").Written()),
		Labels: intake.Labels(short(labels)),
	}
	a.ErrorLogs = kibanaEvidence(doc, a, context, tags)
	return a, a.Validate()
}

// lastWord is what an action group ends with, such as warning in
// metrics.inventory_threshold.warning.
func lastWord(group string) string { return group[strings.LastIndexByte(group, '.')+1:] }

// contextOf is the rule's own variables, which Kibana writes as JSON into a text.
func contextOf(doc intake.Value) intake.Value {
	context, err := intake.ReadJSON([]byte(doc.At("context").Written()))
	if err != nil {
		return intake.Value{}
	}
	return context
}

// tagsOf are the rule's tags, joined with commas. A tag "name:value" is a label; another
// one is a label without a value, and left out.
func tagsOf(text string) map[string]string {
	tags := map[string]string{}
	for tag := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(tag), ":")
		if name = strings.TrimSpace(name); found && name != "" && len(tags) < intake.MaxLabels {
			tags[name] = strings.TrimSpace(value)
		}
	}
	return tags
}

// groupFields are the fields that a rule is grouped by, without what they stand below.
func groupFields(flat map[string]string) map[string]string {
	fields := map[string]string{}
	for name, text := range flat {
		for _, above := range []string{"groupByKeys.", "grouping."} {
			if field, found := strings.CutPrefix(name, above); found {
				fields[field] = text
			}
		}
	}
	return fields
}

// maxLabel is the longest value of the context that is still a name of something.
const maxLabel = 200

// short leaves out what is a text to read.
func short(labels map[string]string) map[string]string {
	kept := map[string]string{}
	for name, text := range labels {
		if len(text) <= maxLabel {
			kept[name] = text
		}
	}
	return kept
}

func kibanaEvidence(doc intake.Value, a incident.Alert, context intake.Value, tags map[string]string) string {
	var e intake.Evidence
	flat := context.Flat()
	e.Headline(a, "ALERT", "RECOVERED", doc.At("ruleName").Written())
	e.Add("reason", flat["reason"])
	e.Add("title", flat["title"])
	e.Add("alert", doc.At("alertId").Written())
	e.AddTime("time", a.Timestamp)
	if a.Recovered {
		return e.String()
	}
	e.Add("group", doc.At("actionGroupName").Written())
	e.Add("value", flat["value"])
	e.Add("conditions", flat["conditions"])
	e.AddAll(tags)
	e.AddAll(flat, "reason", "title", "value", "conditions", "message")
	e.Block(context.At("message").Written())
	addHits(&e, context.At("hits"))
	return e.String()
}

// maxHits is how many documents that a query found are shown.
const maxHits = 50

// addHits writes the log lines that a query found, or the documents that are none.
func addHits(e *intake.Evidence, hits intake.Value) {
	for _, hit := range hits.List(maxHits) {
		found := hit.At("_source")
		line := strings.TrimSpace(found.First("@timestamp") + " " + found.First("message", "error.message", "log.original"))
		if found.First("message", "error.message", "log.original") == "" {
			line = found.JSON()
		}
		e.Line(line)
		e.Block(found.At("error").First("stack_trace"))
	}
}
