package gcpmonitoring

import (
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

func evidence(in intake.Value, a incident.Alert) string {
	var e intake.Evidence
	e.Headline(a, "ALERT", "CLOSED", in.At("policy_name").Written())
	e.Add("summary", in.At("summary").Written())
	e.Add("condition", in.At("condition_name").Written())
	e.Add("observed value", in.At("observed_value").Written())
	e.Add("threshold", in.At("threshold_value").Written())
	e.AddTime("open since", a.Timestamp)
	if ended := in.At("ended_at").Epoch(); a.Recovered && !ended.IsZero() {
		e.Add("closed at", incident.FormatTime(ended))
	}
	e.Add("resource", intake.FirstOf(map[string]string{
		"display": in.At("resource_display_name").Written(), "name": in.At("resource_name").Written()}, "display", "name"))
	if a.Recovered {
		return e.String()
	}
	e.Add("resource type", in.At("resource_type_display_name").Written())
	e.Add("metric", in.At("metric", "type").Written())
	addCondition(&e, in.At("condition"))
	e.AddAll(in.At("resource", "labels").Flat())
	e.AddAll(in.At("metric", "labels").Flat())
	e.AddAll(in.At("metadata", "user_labels").Flat())
	e.AddAll(in.At("metadata", "system_labels").Flat())
	e.AddAll(in.At("policy_user_labels").Flat(), "severity")
	e.Add("documentation", in.At("documentation", "subject").Written())
	e.Block(in.At("documentation", "content").Written())
	return e.String()
}

// addCondition writes what the policy watches. A condition holds one object that is named
// for its kind, such as conditionThreshold or conditionMatchedLog.
func addCondition(e *intake.Evidence, condition intake.Value) {
	for _, kind := range condition.Names() {
		fields := condition.At(kind).Flat()
		e.Add("comparison", fields["comparison"])
		e.Add("for", fields["duration"])
		e.Add("filter", fields["filter"])
		e.Add("query", fields["query"])
		e.Add("trigger", intake.FirstOf(fields, "trigger.count", "trigger.percent"))
	}
}
