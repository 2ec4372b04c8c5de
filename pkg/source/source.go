// Package source lists the senders that OpsGuard understands. Each is a folder
// below that checks who sent a request, by the sender's own scheme, and reads it
// into alerts; adding one is a line in List.
package source

import (
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/source/alertmanager"
	"github.com/opsguard/opsguard/pkg/source/api"
	"github.com/opsguard/opsguard/pkg/source/cloudevents"
	"github.com/opsguard/opsguard/pkg/source/generic"
	"github.com/opsguard/opsguard/pkg/steps"
)

// List is every source that is built in.
func List() []integration.Descriptor[steps.Source] {
	return []integration.Descriptor[steps.Source]{
		api.Integration(),
		alertmanager.Integration(),
		cloudevents.Integration(),
		generic.Integration(),
	}
}

// Open opens the sources that services.yaml lists, in its order. It calls nobody.
func Open(env integration.Env, entries []integration.Entry) ([]integration.Opened[steps.Source], error) {
	return integration.Open(env, integration.Sources, List(), entries)
}
