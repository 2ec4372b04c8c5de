// Package source lists the senders that OpsGuard understands. Each is a folder
// below that checks who sent a request, by the sender's own scheme, and reads it
// into alerts; adding one is a line in List.
package source

import (
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/alertmanager"
	"github.com/opsguard/opsguard/pkg/source/api"
	"github.com/opsguard/opsguard/pkg/source/awshealth"
	"github.com/opsguard/opsguard/pkg/source/azuremonitor"
	"github.com/opsguard/opsguard/pkg/source/cloudevents"
	"github.com/opsguard/opsguard/pkg/source/cloudwatch"
	"github.com/opsguard/opsguard/pkg/source/cloudwatchlogs"
	"github.com/opsguard/opsguard/pkg/source/datadog"
	"github.com/opsguard/opsguard/pkg/source/elastic"
	"github.com/opsguard/opsguard/pkg/source/gcpmonitoring"
	"github.com/opsguard/opsguard/pkg/source/generic"
	"github.com/opsguard/opsguard/pkg/source/github"
	"github.com/opsguard/opsguard/pkg/source/grafana"
	"github.com/opsguard/opsguard/pkg/source/honeybadger"
	"github.com/opsguard/opsguard/pkg/source/inspector2"
	"github.com/opsguard/opsguard/pkg/source/netlify"
	"github.com/opsguard/opsguard/pkg/source/newrelic"
	"github.com/opsguard/opsguard/pkg/source/opsgenie"
	"github.com/opsguard/opsguard/pkg/source/pagerduty"
	"github.com/opsguard/opsguard/pkg/source/securityhub"
	"github.com/opsguard/opsguard/pkg/source/sentry"
	"github.com/opsguard/opsguard/pkg/source/uptimekuma"
	"github.com/opsguard/opsguard/pkg/source/zabbix"
	"github.com/opsguard/opsguard/pkg/steps"
)

// List is every source that is built in.
func List() []integration.Descriptor[steps.Source] {
	return []integration.Descriptor[steps.Source]{
		api.Integration(),
		alertmanager.Integration(),
		awshealth.Integration(),
		azuremonitor.Integration(),
		cloudevents.Integration(),
		cloudwatch.Integration(),
		cloudwatchlogs.Integration(),
		datadog.Integration(),
		elastic.Integration(),
		gcpmonitoring.Integration(),
		generic.Integration(),
		github.Integration(),
		grafana.Integration(),
		honeybadger.Integration(),
		inspector2.Integration(),
		netlify.Integration(),
		newrelic.Integration(),
		opsgenie.Integration(),
		pagerduty.Integration(),
		securityhub.Integration(),
		sentry.Integration(),
		uptimekuma.Integration(),
		zabbix.Integration(),
	}
}

// Open opens the sources that services.yaml lists, in its order. It calls nobody.
func Open(env integration.Env, entries []integration.Entry) ([]integration.Opened[steps.Source], error) {
	return integration.Open(env, integration.Sources, List(), entries)
}
