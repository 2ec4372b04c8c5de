// Package pagerduty reads PagerDuty's webhooks of version 3, as "Webhooks: Overview",
// "Behavior" and "Verifying Signatures" in PagerDuty's developer documentation describe
// them. Start at Integration.
package pagerduty

import (
	"context"
	"crypto/sha256"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Secret integration.Secret `setting:"secret" help:"the signing secret that PagerDuty shows once, when the webhook subscription is made"`
}

// Source is safe for concurrent use.
type Source struct {
	env      integration.Env
	settings Settings
}

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("pagerduty", "reads what PagerDuty's webhooks of version 3 send about incidents", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) { return &Source{env, s}, nil }

// Authenticate checks X-PagerDuty-Signature, which holds one signature for each secret
// while PagerDuty rotates it. The signature covers the body and no time.
func (s *Source) Authenticate(ctx context.Context, r steps.Request) error {
	var signatures [][]byte
	for part := range strings.SplitSeq(r.Header.Get("X-PagerDuty-Signature"), ",") {
		if text, found := strings.CutPrefix(strings.TrimSpace(part), "v1="); found {
			signatures = append(signatures, intake.Hex(text))
		}
	}
	return intake.Signature(ctx, s.env, s.settings.Secret, sha256.New, r.Body, signatures...)
}

// Delivery implements steps.Signer. X-Webhook-Id would name the request too, but it is
// not signed. The body holds the event's own id.
func (s *Source) Delivery(r steps.Request) string { return intake.BodyName(r.Body) }

// Parse reads one event. Only an incident that begins, is opened again or ends is an
// alert; PagerDuty adds types of events over time.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	if doc.At("messages").Has() {
		doc.At("messages").Refuse("belongs to webhooks of version 1 or 2; add a Generic Webhook (v3) in PagerDuty")
	}
	event := doc.At("event")
	kind, data := event.At("event_type").Text(), event.At("data")
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	// An incident that was merged into another one goes on there.
	merged := data.At("resolve_reason", "type").Written() == "merge_resolve_reason"
	switch {
	case kind == "incident.triggered", kind == "incident.reopened", kind == "incident.resolved" && !merged:
	default:
		return steps.Batch{}, doc.Err()
	}
	return steps.One(read(event, data))
}

func read(event, data intake.Value) (incident.Alert, error) {
	id, at := data.At("id").Text(), event.At("occurred_at").Time()
	service := data.At("service").First("summary", "name", "id")
	if err := event.Err(); err != nil {
		return incident.Alert{}, err
	}
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "pagerduty", Service: intake.FirstName(service, "pagerduty"),
		Severity: severity(data), Timestamp: at, Identity: intake.Identity(id),
		Link: intake.Link(data.At("html_url").Written()), Labels: labels(data),
		Recovered: event.At("event_type").Written() == "incident.resolved",
	}
	a.ErrorLogs = evidence(a, event.Apart(), data.Apart())
	return a, a.Validate()
}

// severity is the priority that a person gave, or the first word of its name, else the
// urgency: high or low.
func severity(data intake.Value) incident.Severity {
	priority := data.Apart().At("priority").First("summary", "name")
	first, _, _ := strings.Cut(strings.TrimSpace(priority), " ")
	return intake.Severity(incident.High, priority, first, data.Apart().At("urgency").Written())
}

func labels(data intake.Value) map[string]string {
	data = data.Apart()
	return intake.Labels(map[string]string{
		"service":           data.At("service").First("summary", "name"),
		"service_id":        data.At("service", "id").Written(),
		"team":              names(data.At("teams")),
		"escalation_policy": data.At("escalation_policy").First("summary", "name"),
		"priority":          data.At("priority").First("summary", "name"),
		"urgency":           data.At("urgency").Written(),
		"incident_type":     data.At("incident_type", "name").Written(),
		"title":             data.At("title").Written(),
	})
}

func evidence(a incident.Alert, event, data intake.Value) string {
	var e intake.Evidence
	if a.Recovered {
		e.Line("PAGERDUTY incident resolved: " + data.At("title").Written())
	} else {
		e.Line("PAGERDUTY " + data.At("title").Written() + " (" + string(a.Severity) + ")")
	}
	e.Add("service", data.At("service").First("summary", "name"))
	e.Add("incident", number(data))
	e.Add("status", data.At("status").Written())
	e.Add("priority", data.At("priority").First("summary", "name"))
	e.Add("urgency", data.At("urgency").Written())
	e.Add("type", data.At("incident_type", "name").Written())
	e.Add("opened at", data.At("created_at").Written())
	e.Add("event", event.At("event_type").Written())
	e.Add("by", event.At("agent").First("summary", "name"))
	e.Add("through", event.At("client").First("name", "summary"))
	e.Add("incident key", data.At("incident_key").Written())
	e.Add("assigned to", names(data.At("assignees")))
	e.Add("teams", names(data.At("teams")))
	e.Add("escalation policy", data.At("escalation_policy").First("summary", "name"))
	e.Add("resolve reason", data.At("resolve_reason").First("summary", "type"))
	return e.String()
}

func number(data intake.Value) string {
	if n := data.At("number").Written(); n != "" {
		return "#" + n
	}
	return ""
}

// maxNames is how many people or teams are named.
const maxNames = 10

func names(list intake.Value) string {
	var all []string
	for _, item := range list.List(maxNames) {
		if name := item.First("summary", "name"); name != "" {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}
