// Package gcpmonitoring reads what Google Cloud Monitoring posts to a webhook
// notification channel: the incident document of version 1.2, as "Create and manage
// notification channels" in Google Cloud's documentation describes it. Start at
// Integration.
package gcpmonitoring

import (
	"context"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// version is the version of the documents; testVersion is what the button Test
// connection sends.
const (
	version     = "1.2"
	testVersion = "test"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Authorization integration.Secret `setting:"authorization" help:"the user:password of the channel's HTTP basic authentication"`
}

// Source is safe for concurrent use. Cloud Monitoring signs nothing: the
// Authorization header proves it.
type Source struct{ intake.ByHeader }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("gcp-monitoring", "reads what Google Cloud Monitoring posts to a webhook notification channel", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Authorization}}, nil
}

// Parse reads one incident that was opened or closed.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	switch doc.At("version").Written() {
	case testVersion:
		return steps.Batch{}, doc.Err()
	case version:
	default:
		doc.At("version").Refuse("is not known; the documents of version %s are read", version)
	}
	return steps.One(read(doc))
}

func read(doc intake.Value) (incident.Alert, error) {
	in := doc.At("incident")
	id, state := in.At("incident_id").Text(), strings.ToLower(in.At("state").Text())
	if state != "open" && state != "closed" {
		in.At("state").Refuse("must be open or closed")
	}
	if id == "" {
		in.At("incident_id").Refuse("is empty; an incident is known by it")
	}
	if err := doc.Err(); err != nil {
		return incident.Alert{}, err
	}
	labels := labelsOf(in)
	a := incident.Alert{
		Tenant: incident.DefaultTenant, Source: "gcp-monitoring", Service: service(in, labels),
		Severity:  intake.Severity(incident.High, in.At("severity").Written(), labels["severity"], labels["priority"]),
		Timestamp: in.At("started_at").Epoch(), Identity: intake.Identity(id), Recovered: state == "closed",
		Link: intake.Link(in.At("url").Written()), Labels: intake.Labels(labels),
	}
	a.ErrorLogs = evidence(in, a)
	return a, a.Validate()
}

// labelsOf is everything that names where the trouble is. The labels that people gave to
// their policy count before those of the resource.
func labelsOf(in intake.Value) map[string]string {
	metadata := in.At("metadata")
	return intake.Merge(in.At("policy_user_labels").Flat(), in.At("resource", "labels").Flat(), in.At("metric", "labels").Flat(),
		metadata.At("user_labels").Flat(), metadata.At("system_labels").Flat(),
		map[string]string{
			"policy": in.At("policy_name").Written(), "condition": in.At("condition_name").Written(),
			"project_id": in.At("scoping_project_id").Written(), "resource_type": in.At("resource", "type").Written(),
			"metric_type": in.At("metric", "type").Written(), "resource_display_name": in.At("resource_display_name").Written(),
		})
}

// service is the label that names the service, from what people say to what Google's
// kinds of resources are called: Cloud Run, GKE, Cloud Functions, App Engine, Cloud SQL
// and others.
func service(in intake.Value, labels map[string]string) string {
	found := intake.FirstOf(labels, "service", "app", "application", "service_name", "top_level_controller_name", "container_name",
		"function_name", "module_id", "job_name", "database_id", "subscription_id", "queue_id", "instance_name", "name", "host",
		"cluster_name", "resource_display_name")
	return intake.FirstName(found, in.At("policy_name").Written(), in.At("resource_name").Written(), "gcp-monitoring")
}
