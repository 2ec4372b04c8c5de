// Package datadog reads what Datadog's Webhooks integration posts by a payload that the
// guide gives, with the variables as "Webhooks" in Datadog's documentation describes them.
// Start at Integration.
package datadog

import (
	"context"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// format is the version of the payload, which the guide's template sends.
const format = "opsguard-datadog-1"

// Settings are what services.yaml says of a source.
type Settings struct {
	Authorization integration.Secret `setting:"authorization" help:"the token that the webhook's custom header Authorization sends as Bearer"`
}

// Source is safe for concurrent use. Datadog signs nothing: the Authorization
// header proves it.
type Source struct{ intake.ByHeader }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("datadog", "reads what Datadog's Webhooks integration posts", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Authorization}}, nil
}

// testMark begins the title of what the button Test Notifications sends.
const testMark = "[TEST]"

// Parse reads one notification of one monitor.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	if doc.At("format").Written() != format {
		doc.At("format").Refuse("must be %s; this is not what the payload of the guide posts", format)
	}
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	in := notification{doc}
	if strings.HasPrefix(in.text("title"), testMark) {
		return steps.Batch{}, nil
	}
	return steps.One(in.read())
}

// notification is the payload. Each field is the value of one variable.
type notification struct{ doc intake.Value }

// text is a variable's value, "" if Datadog had none: then it writes null or nothing, or
// leaves the variable as it stands.
func (in notification) text(name string) string {
	text := strings.TrimSpace(in.doc.At(name).Written())
	if text == "null" || strings.HasPrefix(text, "$") && text == strings.ToUpper(text) {
		return ""
	}
	return text
}

func (in notification) read() (incident.Alert, error) {
	id, transition := in.text("alertId"), in.text("transition")
	if id == "" {
		in.doc.At("alertId").Refuse("is empty; only notifications of monitors are read")
	}
	change, known := meaning(transition)
	if !known {
		in.doc.At("transition").Refuse("must be what $ALERT_TRANSITION stands for, such as Triggered or Recovered")
	}
	if err := in.doc.Err(); err != nil {
		return incident.Alert{}, err
	}
	// The scope names the group of a monitor that has several; it counts before the tags,
	// which may hold the tags of other groups.
	labels := intake.Merge(pairs(in.text("scope")), pairs(in.text("tags")), map[string]string{"host": in.text("host"), "monitor": id,
		"metric": in.text("metric"), "org": in.text("org"), "type": in.text("type")})
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "datadog", Service: in.service(labels),
		Severity:  in.severity(change),
		Timestamp: in.doc.At("date").Epoch(), Identity: in.identity(id), Recovered: change == recovery,
		Link: intake.Link(in.text("link")), Labels: intake.Labels(labels),
	}
	a.ErrorLogs = in.evidence(a, change, labels)
	return a, a.Validate()
}

// identity is the cycle key, which Datadog keeps from the first alert of a group until its
// recovery; or else the monitor and its group.
func (in notification) identity(id string) string {
	if key := in.text("cycleKey"); key != "" {
		return intake.Identity("cycle", key)
	}
	return intake.Identity("monitor", id, in.text("scope"))
}

// change is what a transition means.
type change int

const (
	alert change = iota
	warning
	noData
	recovery
)

// meaning knows the values of $ALERT_TRANSITION.
func meaning(transition string) (change, bool) {
	switch strings.TrimPrefix(strings.ToLower(transition), "re-") {
	case "triggered", "renotify":
		return alert, true
	case "warn":
		return warning, true
	case "no data":
		return noData, true
	case "recovered":
		return recovery, true
	}
	return alert, false
}

// severity is the monitor's priority. Without one, an alert is high; a warning and missing
// data are medium.
func (in notification) severity(c change) incident.Severity {
	otherwise := incident.High
	if c == warning || c == noData {
		otherwise = incident.Medium
	}
	return intake.Severity(otherwise, in.text("priority"))
}

// pairs reads Datadog's lists of tags: "env:prod, service:checkout". Of two tags with one
// name the first counts; a tag without a value names nothing.
func pairs(list string) map[string]string {
	tags := map[string]string{}
	for tag := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(tag), ":")
		if value = strings.TrimSpace(value); value != "" && tags[name] == "" && len(tags) < intake.MaxLabels {
			tags[name] = value
		}
	}
	return tags
}

func (in notification) service(labels map[string]string) string {
	found := intake.FirstOf(labels, "service", "app", "application", "kube_deployment", "kube_stateful_set", "kube_daemon_set",
		"kube_container_name", "container_name", "functionname", "host", "kube_namespace")
	return intake.FirstName(found, in.text("alertTitle"), in.text("title"), "datadog")
}
