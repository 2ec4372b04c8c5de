// Package source lists the senders that OpsGuard understands. Each is a folder
// below that checks who sent a request, by the sender's own scheme, and reads it
// into alerts; adding one is a line in List.
package source

import (
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/alertmanager"
	"github.com/opsguard/opsguard/pkg/source/api"
	"github.com/opsguard/opsguard/pkg/source/awshealth"
	"github.com/opsguard/opsguard/pkg/source/cloudwatch"
	"github.com/opsguard/opsguard/pkg/source/cloudwatchlogs"
	"github.com/opsguard/opsguard/pkg/source/github"
	"github.com/opsguard/opsguard/pkg/source/honeybadger"
	"github.com/opsguard/opsguard/pkg/source/inspector2"
	"github.com/opsguard/opsguard/pkg/source/netlify"
	"github.com/opsguard/opsguard/pkg/source/opsgenie"
	"github.com/opsguard/opsguard/pkg/source/pagerduty"
	"github.com/opsguard/opsguard/pkg/source/securityhub"
	"github.com/opsguard/opsguard/pkg/source/sentry"
	"github.com/opsguard/opsguard/pkg/steps"
)

// List is every source that is built in.
func List() []integration.Descriptor[steps.Source] {
	return []integration.Descriptor[steps.Source]{
		api.Integration(),
		alertmanager.Integration(),
		awshealth.Integration(),
		cloudwatch.Integration(),
		cloudwatchlogs.Integration(),
		github.Integration(),
		honeybadger.Integration(),
		inspector2.Integration(),
		netlify.Integration(),
		opsgenie.Integration(),
		pagerduty.Integration(),
		securityhub.Integration(),
		sentry.Integration(),
	}
}

// Open opens the sources that services.yaml lists, in its order. It calls nobody.
func Open(env integration.Env, entries []integration.Entry) ([]integration.Opened[steps.Source], error) {
	return integration.Open(env, integration.Sources, List(), entries)
}
