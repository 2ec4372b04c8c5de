// Package zabbix reads what the media type that its guide gives posts: the macros of
// Zabbix that say what happened, as "Webhook" and "Supported macros" in the documentation
// of Zabbix describe them. Start at Integration.
package zabbix

import (
	"context"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// format is the version of the body, which the guide's media type sends.
const format = "opsguard-zabbix-1"

// Settings are what services.yaml says of a source.
type Settings struct {
	Authorization integration.Secret `setting:"authorization" help:"the token that the media type's parameter token holds"`
}

// Source is safe for concurrent use. Zabbix signs nothing: the media type's script
// sets the Authorization header.
type Source struct{ intake.ByHeader }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("zabbix", "reads what Zabbix posts by a media type that the guide gives", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Authorization}}, nil
}

// What {EVENT.SOURCE} means.
const (
	fromTrigger  = "0"
	fromInternal = "3" // an item or a trigger that Zabbix itself cannot evaluate
	fromService  = "4"
)

// Parse reads one problem or its recovery. Updates, such as an acknowledgement, and what
// discovery and autoregistration tell are no alerts.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	if doc.At("format").Written() != format {
		doc.At("format").Refuse("must be %s; this is not what the media type of the guide posts", format)
	}
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	in := event{doc}
	source := in.text("source")
	if source == "1" || source == "2" || in.text("updateStatus") == "1" {
		return steps.Batch{}, nil
	}
	return steps.One(in.read(source))
}

// event is the body. Each field is the value of one macro.
type event struct{ doc intake.Value }

// text is a macro's value, "" if Zabbix left the macro as it stands or says *UNKNOWN*.
func (in event) text(name string) string {
	text := strings.TrimSpace(in.doc.At(name).Written())
	if text == "*UNKNOWN*" || unresolved(text) {
		return ""
	}
	return text
}

// unresolved reports a macro that Zabbix did not replace, such as {EVENT.OPDATA} or
// {$ZABBIX.URL}.
func unresolved(text string) bool {
	inner, opened := strings.CutPrefix(text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	return opened && closed && inner != "" && strings.Trim(inner, "$ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._#<>") == ""
}

func (in event) read(source string) (incident.Alert, error) {
	id, value, name := in.text("eventId"), in.text("eventValue"), in.text("name")
	if strings.Trim(id, "0123456789") != "" || id == "" {
		in.doc.At("eventId").Refuse("must be the number that {EVENT.ID} stands for")
	}
	if value != "0" && value != "1" {
		in.doc.At("eventValue").Refuse("must be 1 (problem) or 0 (recovered), as {EVENT.VALUE} says")
	}
	if name == "" {
		in.doc.At("name").Refuse("is empty; it must be what {EVENT.NAME} stands for")
	}
	if err := in.doc.Err(); err != nil {
		return incident.Alert{}, err
	}
	tags := in.tags()
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "zabbix", Service: in.service(tags), Severity: in.severity(source, tags),
		Identity: intake.Identity("event", id), Recovered: value == "0", Link: in.link(id),
		Labels: intake.Labels(intake.Merge(tags, map[string]string{
			"host": in.text("host"), "hostName": in.text("hostName"), "hostIp": in.text("hostIp"), "hostGroups": in.text("hostGroups"),
			"trigger": in.text("triggerId"), "item": in.text("itemName"), "zabbixService": in.text("serviceName"),
		})),
	}
	a.ErrorLogs = in.evidence(a, tags)
	return a, a.Validate()
}

// tags are those of the event, as {EVENT.TAGSJSON} writes them.
func (in event) tags() map[string]string {
	tags := map[string]string{}
	list, err := intake.ReadJSON([]byte(in.text("tags")))
	if err != nil {
		return tags // there are none, or they were cut
	}
	for _, t := range list.List(intake.MaxLabels) {
		if name := strings.TrimSpace(t.At("tag").Written()); name != "" && tags[name] == "" {
			tags[name] = t.At("value").Written()
		}
	}
	return tags
}

// severity maps {EVENT.NSEVERITY}: 5 disaster, 4 high, 3 average, 2 warning, 1
// information, 0 not classified. An internal event has none.
func (in event) severity(source string, tags map[string]string) incident.Severity {
	switch in.text("severity") {
	case "5":
		return incident.Critical
	case "4":
		return incident.High
	case "3", "2":
		return incident.Medium
	case "1":
		return incident.Low
	}
	if source == fromInternal {
		return incident.Low
	}
	return intake.Severity(incident.High, tags["severity"], tags["priority"])
}

func (in event) service(tags map[string]string) string {
	return intake.FirstName(intake.FirstOf(tags, "service", "app", "application"), in.text("serviceName"), in.text("hostName"),
		in.text("host"), in.text("name"), "zabbix")
}

// link is Zabbix' page of the event, "" if the macro {$ZABBIX.URL} is not set there.
func (in event) link(id string) string {
	base, trigger := in.text("zabbixUrl"), in.text("triggerId")
	if base == "" || trigger == "" {
		return intake.Link(base)
	}
	return intake.FirstLink(strings.TrimRight(base, "/")+"/tr_events.php?triggerid="+trigger+"&eventid="+id, base)
}

func (in event) evidence(a incident.Alert, tags map[string]string) string {
	var e intake.Evidence
	e.Headline(a, "PROBLEM", "RECOVERED", in.text("name"))
	e.Add("host", in.text("hostName"))
	e.Add("operational data", in.text("opData"))
	e.Add("service", in.text("serviceName"))
	e.Add("problem began (Zabbix' time zone)", strings.TrimSpace(in.text("date")+" "+in.text("time")))
	if a.Recovered {
		e.Add("recovered (Zabbix' time zone)", strings.TrimSpace(in.text("recoveryDate")+" "+in.text("recoveryTime")))
		return e.String()
	}
	e.Add("item", in.text("itemName"))
	e.Add("last value", in.text("itemValue"))
	e.Add("description", in.text("triggerDescription"))
	e.Add("expression", in.text("triggerExpression"))
	e.Add("root cause", in.text("rootCause"))
	e.Add("address", in.text("hostIp"))
	e.Add("host groups", in.text("hostGroups"))
	e.AddAll(tags)
	e.Add("trigger's page", in.text("triggerUrl"))
	if message := in.text("message"); message != in.text("triggerDescription") {
		e.Block(message)
	}
	return e.String()
}
