package dynamo

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

const (
	// maxGroupRaces bounds how often a group is read again because somebody else changed
	// it meanwhile. Each time means that somebody else got on, and in a storm all are at
	// one group.
	maxGroupRaces = 200
	// groupLife is how long a group is kept that nothing changes: longer than people may
	// take to decide.
	groupLife = 400 * 24 * time.Hour
)

// UpdateGroup implements steps.Groups. What changes nothing writes nothing: most of those
// who are at one group at once only learn that somebody else is at its message.
func (s *Store) UpdateGroup(ctx context.Context, tenant, name string, change func(*incident.Group)) error {
	group := versioned[incident.Group]{
		key:     func() item { return groupKey(tenant, name) },
		version: func(g *incident.Group) int64 { return g.Version },
		expires: func(g *incident.Group) time.Time { return g.Last.Add(groupLife) },
		races:   maxGroupRaces, lost: incident.Unavail("others kept changing the group", nil),
	}
	return group.update(ctx, s, func(g *incident.Group) { g.Update(change) })
}
