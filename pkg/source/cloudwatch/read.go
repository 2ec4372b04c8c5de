package cloudwatch

import (
	"cmp"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
)

// Bounds of what is read of an alarm.
const (
	maxMetrics    = 20
	maxDimensions = 30 // as CloudWatch has it
	maxChildren   = 100
	maxValues     = 20
)

// alarm is one change of an alarm's state, however it came.
type alarm struct {
	name, description, arn, account, region string
	state, before, reason, evaluation       string
	at                                      time.Time
	metrics                                 []metric
	threshold                               string // as a person reads it: "> 50 in 2 of 3 periods of 300 s"
	values                                  []string
	rule                                    string   // of a composite alarm
	children                                []string // which led to the change
	contributor                             string   // the id of one series of several
	attributes                              map[string]string
	quiet                                   string // why its actions are not carried out, as CloudWatch says
	chosen                                  bool   // an action of the alarm sent it: somebody wants to be told of this state

	nameAt, stateAt intake.Value
}

// metric is one of those that an alarm watches: a metric, or an expression over others.
type metric struct {
	id, expression, label, namespace, name, stat, period string
	dimensions                                           map[string]string
}

// read reads an alarm in any of its forms. It is false where nothing changed its state.
func read(doc intake.Value) (alarm, bool) {
	if event, is := amazon.ReadEvent(doc, "aws.cloudwatch"); is {
		return ofEvent(doc, event)
	}
	if doc.At("alarmData").Has() {
		if doc.At("source").Written() != "aws.cloudwatch" {
			doc.At("source").Refuse("must be aws.cloudwatch")
		}
		a := ofState(doc.At("alarmData"))
		a.arn, a.account, a.region, a.chosen = doc.At("alarmArn").Maybe(), doc.At("accountId").Written(), doc.At("region").Written(), true
		return a, true
	}
	if !doc.At("AlarmName").Has() {
		doc.At("AlarmName").Refuse("is missing; this is not what CloudWatch sends")
		return alarm{}, false
	}
	return ofNotification(doc), true
}

func ofEvent(doc intake.Value, event amazon.Event) (alarm, bool) {
	switch event.Kind {
	case "CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change":
	case "CloudWatch Alarm Configuration Change":
		return alarm{}, false
	default:
		doc.At("detail-type").Refuse("is not read; route CloudWatch Alarm State Change here")
		return alarm{}, false
	}
	a := ofState(event.Detail)
	a.account, a.region = event.Account, event.Region
	if len(event.Resources) > 0 {
		a.arn = event.Resources[0]
	}
	return a, true
}

// ofState reads what EventBridge calls detail and a Lambda function gets as alarmData.
func ofState(v intake.Value) alarm {
	state, config := v.At("state"), v.At("configuration")
	a := alarm{
		nameAt: v.At("alarmName"), stateAt: state.At("value"),
		name: v.At("alarmName").Text(), description: config.At("description").Written(), state: state.At("value").Text(),
		before: v.At("previousState", "value").Written(), reason: state.At("reason").Written(), at: amazon.Time(state.At("timestamp")),
		evaluation: state.At("evaluationState").Written(), rule: config.At("alarmRule").Written(),
		contributor: v.At("alarmContributor", "id").Written(), attributes: v.At("alarmContributor", "attributes").Fields(),
	}
	for _, m := range config.At("metrics").Some(maxMetrics) {
		a.metrics = append(a.metrics, metricOf(m))
	}
	a.readReason(state.At("reasonData").Written())
	if by := state.At("actionsSuppressedBy").Written(); by != "" {
		a.quiet = "suppressed by " + by
	}
	if mute := v.At("muteDetail"); mute.Has() {
		a.quiet = "muted by " + mute.At("mutedByArn").Written() + " until " + mute.At("muteWindowEnd").Written()
	}
	return a
}

func metricOf(v intake.Value) metric {
	stat := v.At("metricStat")
	of := stat.At("metric")
	return metric{
		id: v.At("id").Written(), expression: v.At("expression").Written(), label: v.At("label").Written(),
		namespace: of.At("namespace").Written(), name: of.At("name").Written(), dimensions: of.At("dimensions").Fields(),
		stat: stat.At("stat").Written(), period: cmp.Or(stat.At("period").Written(), v.At("period").Written()),
	}
}

// readReason reads the reason in its form for programs, a document in a text. It is left
// out where it cannot be read: the reason stands in words too.
func (a *alarm) readReason(data string) {
	doc, err := intake.ReadJSON([]byte(data))
	if err != nil || !doc.At("version").Has() && !doc.At("triggeringAlarms").Has() {
		return
	}
	a.takeReason(doc)
}

func (a *alarm) takeReason(doc intake.Value) {
	if t := doc.At("threshold").Written(); t != "" && a.threshold == "" {
		a.threshold = t
	}
	for _, v := range doc.At("recentDatapoints").Some(maxValues) {
		a.values = append(a.values, v.Written())
	}
	for _, v := range doc.At("results").Some(maxValues) { // of a log alarm
		a.values = append(a.values, v.At("value").Written())
	}
	for _, child := range doc.At("triggeringAlarms").Some(maxChildren) {
		a.children = append(a.children, childOf(child.At("arn").Written(), child.At("state", "value").Written()))
	}
}

func childOf(arn, state string) string {
	_, name, found := strings.Cut(arn, ":alarm:")
	if !found {
		name = arn
	}
	if state == "" {
		return name
	}
	return name + " is " + state
}

// ofNotification reads what an alarm sends to a topic.
func ofNotification(v intake.Value) alarm {
	trigger := v.At("Trigger")
	a := alarm{
		nameAt: v.At("AlarmName"), stateAt: v.At("NewStateValue"), chosen: true,
		name: v.At("AlarmName").Text(), description: v.At("AlarmDescription").Written(), arn: v.At("AlarmArn").Maybe(),
		account: v.At("AWSAccountId").Written(), state: v.At("NewStateValue").Text(), before: v.At("OldStateValue").Written(),
		reason: v.At("NewStateReason").Written(), at: amazon.Time(v.At("StateChangeTime")), rule: v.At("AlarmRule").Written(),
		contributor: v.At("AlarmContributorId").Written(), attributes: v.At("AlarmContributorAttributes").Fields(),
		threshold: thresholdOf(trigger),
	}
	// Region is a name for people, such as EU (Ireland).
	if a.region = amazon.ParseARN(a.arn).Region; a.region == "" {
		a.region = v.At("Region").Written()
	}
	if trigger.At("MetricName").Has() {
		a.metrics = []metric{{
			namespace: trigger.At("Namespace").Written(), name: trigger.At("MetricName").Written(),
			stat: trigger.First("Statistic", "ExtendedStatistic"), period: trigger.At("Period").Written(),
			dimensions: pairs(trigger.At("Dimensions")),
		}}
	}
	for _, m := range trigger.At("Metrics").Some(maxMetrics) {
		stat := m.At("MetricStat")
		of := stat.At("Metric")
		a.metrics = append(a.metrics, metric{
			id: m.At("Id").Written(), expression: m.At("Expression").Written(), label: m.At("Label").Written(),
			namespace: of.At("Namespace").Written(), name: of.At("MetricName").Written(), dimensions: pairs(of.At("Dimensions")),
			stat: stat.At("Stat").Written(), period: stat.At("Period").Written(),
		})
	}
	if data := v.At("NewStateReasonData"); data.Written() == "" && data.Has() {
		a.takeReason(data)
	} else {
		a.readReason(data.Written())
	}
	for _, child := range v.At("TriggeringChildren").Some(maxChildren) {
		if text := child.Written(); text != "" {
			a.children = append(a.children, childOf(text, ""))
		} else {
			a.children = append(a.children, childOf(child.At("Arn").Written(), child.At("State", "Value").Written()))
		}
	}
	return a
}

// pairs reads dimensions as SNS has them: a list of a name and a value each.
func pairs(v intake.Value) map[string]string {
	all := map[string]string{}
	for _, d := range v.Some(maxDimensions) {
		if name := d.First("name", "Name"); name != "" {
			all[name] = d.First("value", "Value")
		}
	}
	return all
}

// comparisons are how CloudWatch names what it compares by.
func comparisons() map[string]string {
	return map[string]string{
		"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<", "LessThanOrEqualToThreshold": "<=",
		"LessThanLowerOrGreaterThanUpperThreshold": "outside of the expected band", "LessThanLowerThreshold": "below the expected band",
		"GreaterThanUpperThreshold": "above the expected band",
	}
}

func thresholdOf(trigger intake.Value) string {
	operator := trigger.At("ComparisonOperator").Written()
	text := strings.TrimSpace(comparisons()[operator] + " " + trigger.At("Threshold").Written())
	periods := trigger.At("EvaluationPeriods").Written()
	if periods == "" || text == "" {
		return text
	}
	if datapoints := trigger.At("DatapointsToAlarm").Written(); datapoints != "" && datapoints != periods {
		periods = datapoints + " of " + periods
	}
	text += " in " + periods + " period"
	if periods != "1" {
		text += "s"
	}
	if seconds := trigger.At("Period").Written(); seconds != "" {
		text += " of " + seconds + " s"
	}
	return text
}
