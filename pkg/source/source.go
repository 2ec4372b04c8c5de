// Package source lists the senders that OpsGuard understands. Each is a folder
// below that checks who sent a request, by the sender's own scheme, and reads it
// into alerts; adding one is a line in List.
package source

import (
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/alertmanager"
	"github.com/opsguard/opsguard/pkg/source/api"
	azuremonitor "github.com/opsguard/opsguard/pkg/source/azure-monitor"
	"github.com/opsguard/opsguard/pkg/source/datadog"
	"github.com/opsguard/opsguard/pkg/source/elastic"
	gcpmonitoring "github.com/opsguard/opsguard/pkg/source/gcp-monitoring"
	"github.com/opsguard/opsguard/pkg/source/grafana"
	"github.com/opsguard/opsguard/pkg/source/newrelic"
	uptimekuma "github.com/opsguard/opsguard/pkg/source/uptime-kuma"
	"github.com/opsguard/opsguard/pkg/source/zabbix"
	"github.com/opsguard/opsguard/pkg/steps"
)

// List is every source that is built in.
func List() []integration.Descriptor[steps.Source] {
	return []integration.Descriptor[steps.Source]{
		api.Integration(),
		alertmanager.Integration(),
		grafana.Integration(),
		azuremonitor.Integration(),
		datadog.Integration(),
		elastic.Integration(),
		gcpmonitoring.Integration(),
		newrelic.Integration(),
		uptimekuma.Integration(),
		zabbix.Integration(),
	}
}

// Open opens the sources that services.yaml lists, in its order. It calls nobody.
func Open(env integration.Env, entries []integration.Entry) ([]integration.Opened[steps.Source], error) {
	return integration.Open(env, integration.Sources, List(), entries)
}
