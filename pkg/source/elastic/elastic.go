// Package elastic reads what two parts of the Elastic stack post by a body that its
// guide gives: the webhook connector of Kibana's alerting, as "Rule action variables"
// in Elastic's documentation describes it, and the webhook action of Watcher, as
// "Webhook action" does. Start at Integration.
package elastic

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// The versions of the two bodies, which the guide's templates send.
const (
	fromKibana  = "opsguard-kibana-1"
	fromWatcher = "opsguard-watcher-1"
)

// Settings are what services.yaml says of a source.
type Settings struct {
	Authorization integration.Secret `setting:"authorization" help:"the user:password of the connector's basic authentication"`
}

// Source is safe for concurrent use. Elastic signs nothing: the Authorization
// header proves it.
type Source struct{ intake.ByHeader }

// Integration describes the source.
func Integration() integration.Descriptor[steps.Source] {
	return integration.New("elastic", "reads what Kibana's webhook connector and Elasticsearch Watcher post", Open)
}

// Open opens the source. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Source, error) {
	return &Source{intake.ByHeader{Env: env, Secret: s.Authorization}}, nil
}

// Parse reads one alert of a rule, or one execution of a watch.
func (s *Source) Parse(_ context.Context, r steps.Request) (steps.Batch, error) {
	doc, err := intake.ReadJSON(r.Body)
	if err != nil {
		return steps.Batch{}, err
	}
	var a incident.Alert
	switch doc.At("format").Written() {
	case fromKibana:
		a, err = kibana(doc)
	case fromWatcher:
		a, err = watcher(doc)
	default:
		doc.At("format").Refuse("must be %s or %s; this is not what a body of the guide posts", fromKibana, fromWatcher)
		err = doc.Err()
	}
	return steps.One(a, err)
}

// service is what names the service in what Elastic knows of it: people's own words, the
// fields of APM rules, ECS fields, and what a rule is grouped by.
func service(labels map[string]string) string {
	return intake.FirstOf(labels, "service", "service.name", "serviceName", "app", "application", "kubernetes.deployment.name",
		"kubernetes.container.name", "container.name", "monitorName", "host.name", "hostName", "host", "namespace")
}
