package dynamo

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// maxFlowRaces bounds how often a flow is read again because somebody else changed it
// meanwhile. In a flood of one service that happens to most: what is lost then is a
// count, and an incident more may be opened.
const maxFlowRaces = 4

// flowLife is how long a flow is kept that nothing changes.
const flowLife = 7 * 24 * time.Hour

func flowOf(tenant, service string) versioned[incident.Flow] {
	return versioned[incident.Flow]{
		key:     func() item { return flowKey(tenant, service) },
		version: func(f *incident.Flow) int64 { return f.Version },
		expires: func(f *incident.Flow) time.Time { return f.Hour.Add(flowLife) },
		races:   maxFlowRaces, lost: othersChange("the flow of the service"),
	}
}

// Update implements steps.Flows. change counts the version up.
func (s *Store) Update(ctx context.Context, tenant, service string, change func(*incident.Flow)) error {
	return flowOf(tenant, service).update(ctx, s, change)
}

// Flow implements steps.Flows.
func (s *Store) Flow(ctx context.Context, tenant, service string) (incident.Flow, error) {
	return flowOf(tenant, service).read(ctx, s)
}
