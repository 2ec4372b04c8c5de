// Package awshealth reads the events of AWS Health that EventBridge delivers: trouble and
// planned work of AWS itself. It follows "AWS Health events Amazon EventBridge schema" in
// the user guide of AWS Health. Start at Integration.
package awshealth

import (
	"context"
	"net/url"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/intake/amazon"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Name is what services.yaml calls the type.
const Name = "aws-health"

// Settings are what services.yaml says of a source.
type Settings = amazon.Settings

// Source is safe for concurrent use.
type Source struct{ *amazon.Sender }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New(Name, "reads events of AWS Health, from EventBridge or SNS", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{amazon.NewSender(env, s)}, nil
}

// Bounds of what is read of an event.
const (
	maxEntities  = 100
	maxLanguages = 20
)

// Parse reads one event.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, says, err := amazon.Open(r.Body)
	if err != nil || !says {
		return steps.Batch{}, err
	}
	event, is := amazon.ReadEvent(doc, "aws.health")
	switch {
	case !is:
		doc.At("detail-type").Refuse("is missing; this is not an event of EventBridge")
	case event.Kind != "AWS Health Event" && event.Kind != "AWS Health Abuse Event":
		doc.At("detail-type").Refuse("must be AWS Health Event or AWS Health Abuse Event")
	}
	h := read(event)
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	alert := h.alert()
	return steps.One(alert, alert.Validate())
}

// health is an event of AWS Health.
type health struct {
	arn, service, code, category, scope, status, region, account string
	actionability, description, page                             string
	started, ended, updated                                      string // as AWS writes them
	event                                                        amazon.Event
	metadata                                                     map[string]string
	entities                                                     []entity
}

// entity is a resource that an event affects.
type entity struct {
	id, status string
	tags       map[string]string
}

func read(event amazon.Event) health {
	d := event.Detail
	h := health{
		event: event, arn: d.At("eventArn").Text(), service: d.At("service").Text(), code: d.At("eventTypeCode").Text(),
		category: d.At("eventTypeCategory").Written(), scope: d.At("eventScopeCode").Written(), status: d.At("statusCode").Written(),
		region: d.At("eventRegion").Written(), account: d.At("affectedAccount").Written(), actionability: d.At("actionability").Written(),
		started: d.At("startTime").Written(), ended: d.At("endTime").Written(), updated: d.At("lastUpdatedTime").Written(),
		metadata: d.At("eventMetadata").Fields(), description: description(d.At("eventDescription")),
	}
	if h.region == "" { // before eventRegion was sent
		h.region = event.Region
	}
	if h.account == "" {
		h.account = event.Account
	}
	if of := d.At("totalPages").Written(); of != "" && of != "1" {
		h.page = d.At("page").Written() + " of " + of
	}
	for _, e := range d.At("affectedEntities").Some(maxEntities) {
		h.entities = append(h.entities, entity{e.At("entityValue").Written(), e.First("status", "statusCode"), e.At("tags").Fields()})
	}
	return h
}

// description is the English one, else the first.
func description(v intake.Value) string {
	first := ""
	for _, d := range v.Some(maxLanguages) {
		text := d.At("latestDescription").Written()
		if strings.HasPrefix(d.At("language").Written(), "en") {
			return text
		}
		if first == "" {
			first = text
		}
	}
	return first
}

// over reports whether the event has ended. Events had no status once; then the end is
// what tells. The end of planned work lies ahead.
func (h health) over() bool {
	if h.status != "" {
		return h.status == "closed"
	}
	ended := amazon.Time(h.event.Detail.At("endTime"))
	return !ended.IsZero() && !h.event.Time.IsZero() && !ended.After(h.event.Time)
}

// severity is by the category. What AWS only announces is low, unless somebody must act.
func (h health) severity() incident.Severity {
	switch {
	case h.category == "issue":
		return incident.High
	case h.category == "investigation", h.actionability == "ACTION_REQUIRED":
		return incident.Medium
	}
	return incident.Low
}

func (h health) alert() incident.Alert {
	l := h.labels()
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: Name, Service: h.named(l), Severity: h.severity(), Recovered: h.over(),
		// An event's ARN is the same in every account that it affects.
		Identity: intake.Identity(h.arn, h.account), Link: h.link(), Timestamp: amazon.Time(h.event.Detail.At("startTime")),
		Labels: intake.Labels(l),
	}
	if a.Timestamp.IsZero() || a.Timestamp.After(h.event.Time) { // what is planned has not happened yet
		a.Timestamp = h.event.Time
	}
	a.ErrorLogs = h.evidence(a)
	return a
}

func (h health) labels() amazon.Labels {
	l := amazon.Labels{}
	l.Add("awsService", h.service)
	l.Add("eventTypeCode", h.code)
	l.Add("eventTypeCategory", h.category)
	l.Add("eventScopeCode", h.scope)
	l.Add("region", h.region)
	l.Add("account", h.account)
	if len(h.entities) > 0 {
		l.Add("resource", h.entities[0].id)
		l.AddAll(h.entities[0].tags)
	}
	return l
}

// named is the service of ours if one resource is affected, else the service of AWS.
func (h health) named(l amazon.Labels) string {
	if len(h.entities) == 1 && h.entities[0].id != "" {
		return l.Service(amazon.Name(h.entities[0].id))
	}
	return l.Service(h.service)
}

func (h health) link() string {
	if amazon.ParseARN(h.arn).Partition != "aws" {
		return ""
	}
	return intake.Link("https://health.aws.amazon.com/health/home#/account/event-log?eventID=" + url.QueryEscape(h.arn))
}

func (h health) evidence(a incident.Alert) string {
	var e intake.Evidence
	headline := "AWS HEALTH " + h.code + " in " + h.region
	if a.Recovered {
		e.Line("CLOSED " + headline)
	} else {
		e.Line(headline + " (" + string(a.Severity) + ")")
	}
	e.Add("service of AWS", h.service)
	e.Add("category", h.category)
	e.Add("scope", h.scope)
	e.Add("status", h.status)
	e.Add("action", h.actionability)
	e.Add("start", h.started)
	e.Add("end", h.ended)
	e.Add("updated", h.updated)
	for _, one := range h.entities {
		e.Add("affects", strings.TrimSpace(one.id+" "+one.status))
	}
	if len(h.entities) == 0 {
		e.Add("affects", strings.Join(h.event.Resources, ", "))
	}
	e.Add("page", h.page)
	e.AddAll(h.metadata)
	e.Add("account", h.account)
	e.Block(h.description)
	return e.String()
}
