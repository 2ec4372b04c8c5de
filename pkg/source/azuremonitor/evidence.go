package azuremonitor

import (
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// maxRows is how many rows of a query's result are shown.
const maxRows = 50

func (in alert) evidence(a incident.Alert) string {
	var e intake.Evidence
	e.Headline(a, "ALERT", "RESOLVED", in.name())
	e.Add("description", in.essentials.At("description").Written())
	for _, c := range in.context.At("condition", "allOf").List(intake.MaxLabels) {
		in.addCriterion(&e, c)
	}
	if a.Recovered {
		in.addWhere(&e, a)
		return e.String()
	}
	in.addContext(&e)
	e.AddAll(in.dimensions())
	e.AddAll(in.custom)
	in.addWhere(&e, a)
	in.addResults(&e)
	return e.String()
}

// name is the rule's. A budget has none of its own.
func (in alert) name() string {
	for _, text := range []string{in.essentials.At("alertRule").Written(), in.context.At("AlertData", "BudgetName").Written()} {
		if text != "" {
			return text
		}
	}
	return in.essentials.At("monitoringService").Written()
}

// addCriterion writes one condition of a metric or log alert as a sentence that names
// metric, value, threshold and window.
func (in alert) addCriterion(e *intake.Evidence, c intake.Value) {
	name := c.First("metricName", "metricMeasureColumn")
	if name == "" {
		name = "query result"
	}
	if space := c.At("metricNamespace").Written(); space != "" {
		name += " of " + space
	}
	words := []string{name + ":"}
	for _, part := range []string{"timeAggregation", "metricValue", "operator", "threshold"} {
		words = append(words, c.At(part).Written())
	}
	if window := in.context.At("condition", "windowSize").Written(); window != "" {
		words = append(words, "over", window)
	}
	e.Line(strings.Join(words, " "))
	e.Add("web test", c.At("webTestName").Written())
	e.Add("sensitivity", c.At("alertSensitivity").Written())
	if failing := c.At("failingPeriods"); failing.Has() {
		e.Add("failing periods", failing.At("minFailingPeriodsToAlert").Written()+" of "+failing.At("numberOfEvaluationPeriods").Written())
	}
	e.Add("query", c.At("searchQuery").Written())
}

// addContext writes what the kinds of alerts say that have no list of conditions: an
// event of the activity log, an alert of Prometheus, a budget, an older alert of logs.
func (in alert) addContext(e *intake.Evidence) {
	for _, name := range []string{"operationName", "status", "subStatus", "level", "caller", "eventTimestamp", "resultType",
		"expression", "expressionValue", "for", "interval"} {
		e.Add(name, in.context.At(name).Written())
	}
	e.AddAll(in.context.At("annotations").Flat())
	e.AddAll(in.context.At("labels").Flat())
	e.AddAll(in.context.At("AlertData").Flat())
	if !in.context.At("condition").Has() {
		e.AddAll(in.context.At("properties").Flat(), "impactedServicesTableRows", "defaultLanguageContent", "defaultLanguageTitle")
	}
	e.Add("query", in.context.At("SearchQuery").Written())
	if count := in.context.At("ResultCount").Written(); count != "" {
		e.Add("results", count+", threshold: "+strings.ToLower(in.context.At("Operator").Written())+" "+in.context.At("Threshold").Written())
	}
}

func (in alert) addWhere(e *intake.Evidence, a incident.Alert) {
	e.Add("affected", in.item())
	e.Add("resource", in.target.id)
	e.Add("monitored by", in.essentials.At("monitoringService").Written())
	e.AddTime("fired at", a.Timestamp)
	if a.Recovered {
		e.Add("resolved at", in.essentials.At("resolvedDateTime").Written())
	}
}

// addResults writes the rows that an older alert of logs brings along.
func (in alert) addResults(e *intake.Evidence) {
	for _, table := range in.context.At("SearchResults", "tables").List(intake.MaxLabels) {
		var names []string
		for _, column := range table.At("columns").List(intake.MaxLabels) {
			names = append(names, column.At("name").Written())
		}
		for _, row := range table.At("rows").List(maxRows) {
			var cells []string
			for i, cell := range row.List(len(names)) {
				if text := cell.Written(); text != "" {
					cells = append(cells, names[i]+"="+text)
				}
			}
			e.Line(strings.Join(cells, " "))
		}
	}
}
