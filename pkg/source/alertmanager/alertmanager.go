// Package alertmanager reads what Prometheus Alertmanager posts to a webhook receiver:
// the document of version 4, as "webhook_config" in Prometheus' documentation of
// Alertmanager describes it. Start at Integration.
package alertmanager

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// version is the only version of the document that there is since Alertmanager 0.16.
const version = "4"

// Settings are what services.yaml says of a source.
type Settings struct {
	Authorization integration.Secret `setting:"authorization" help:"the credentials of authorization, or user:password of basic_auth"`
}

// Source is safe for concurrent use. Alertmanager signs nothing: the Authorization
// header proves it.
type Source struct{ intake.ByHeader }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("alertmanager", "reads what Prometheus Alertmanager posts to a webhook receiver", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Authorization}}, nil
}

// Parse reads a group of alerts. Each alert of it is one of ours.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	if v := doc.At("version").Written(); v != version {
		doc.At("version").Refuse("is not known; the documents of version %s are read", version)
	}
	if !doc.At("alerts").Has() {
		doc.At("alerts").Refuse("is missing; this is not what Alertmanager posts")
	}
	if err := doc.Err(); err != nil {
		return steps.Batch{}, err
	}
	items := doc.At("alerts").List(intake.MaxAlerts)
	if err := doc.Err(); err != nil && len(items) == 0 {
		return steps.Batch{}, err
	}
	common := group{
		externalURL: doc.At("externalURL").Written(),
		truncated:   intake.Truncated(doc.At("truncatedAlerts")),
		routeLabels: doc.At("routeLabels").Flat(),
	}
	batch := steps.Batch{}
	for _, item := range items {
		batch.Add(common.alert(item))
	}
	batch.Refuse(doc.Err())
	return batch, nil
}

// group is what the alerts of a document have in common.
type group struct {
	externalURL, truncated string
	routeLabels            map[string]string // what the configuration says of the route
}

func (g group) alert(item intake.Value) (incident.Alert, error) {
	labels, notes := item.At("labels").Fields(), item.At("annotations").Fields()
	status, starts := item.At("status").Text(), item.At("startsAt").Time()
	if status != "firing" && status != "resolved" {
		item.At("status").Refuse("must be firing or resolved")
	}
	if len(labels) == 0 {
		item.At("labels").Refuse("is missing; an alert is told apart by its labels")
	}
	identity := item.At("fingerprint").Maybe()
	if err := item.Err(); err != nil {
		return incident.Alert{}, err
	}
	if identity == "" { // as before Alertmanager 0.19
		identity = labelSet(labels)
	}
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "alertmanager", Service: intake.Name(service(labels)),
		Severity:  intake.Severity(incident.High, labels["severity"], notes["severity"], labels["priority"], labels["level"]),
		Timestamp: starts, Identity: intake.Identity(identity), Recovered: status == "resolved",
		Link:   intake.FirstLink(item.At("generatorURL").Written(), g.externalURL),
		Labels: intake.Labels(intake.Merge(labels, g.routeLabels)),
	}
	a.ErrorLogs = g.evidence(a, labels, notes, item.At("endsAt").Written())
	return a, a.Validate()
}

func service(labels map[string]string) string {
	if found := intake.ServiceOf(labels); found != "" {
		return found
	}
	if found := intake.FirstOf(labels, "alertname"); found != "" {
		return found
	}
	return "alertmanager"
}

func (g group) evidence(a incident.Alert, labels, notes map[string]string, ends string) string {
	var e intake.Evidence
	e.Headline(a, "ALERT", "RESOLVED", labels["alertname"])
	e.Add("summary", intake.FirstOf(notes, "summary", "title"))
	e.Add("description", intake.FirstOf(notes, "description", "message"))
	e.AddAll(notes, "summary", "description", "title", "message", "severity")
	e.AddAll(labels, "alertname")
	e.AddTime("firing since", a.Timestamp)
	if a.Recovered {
		e.Add("resolved at", ends)
		return e.String()
	}
	e.Add("expression", intake.Expression(a.Link))
	if g.truncated != "" {
		e.Add("not shown", g.truncated+" more alerts of this group, which Alertmanager left out (max_alerts)")
	}
	return e.String()
}

// labelSet is one text for one set of labels.
func labelSet(labels map[string]string) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		text += fmt.Sprintf("%q=%q,", name, labels[name])
	}
	return text
}
