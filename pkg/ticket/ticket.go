// Package ticket lists the trackers that escalated incidents go to. Each is a
// folder below; adding one is a line in List.
package ticket

import (
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
)

// List is every tracker that is built in.
func List() []integration.Descriptor[steps.Tracker] {
	return []integration.Descriptor[steps.Tracker]{
		simulated.Integration(),
	}
}

// Open opens the trackers that services.yaml lists, in its order, and last the
// simulated one, which is there without being listed. It calls nobody.
func Open(env integration.Env, entries []integration.Entry) ([]integration.Opened[steps.Tracker], error) {
	own := integration.Entry{Name: incident.SimulatedTracker, Type: incident.SimulatedTracker}
	return integration.Open(env, integration.Trackers, List(), append(entries, own))
}
