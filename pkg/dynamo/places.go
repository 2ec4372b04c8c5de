package dynamo

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
)

// placesOf is who is at work in a group. The item stays when nobody is: its version must
// never begin again.
func placesOf(tenant, group string) versioned[incident.Places] {
	return versioned[incident.Places]{
		key:     func() item { return targetKey(tenant, group) },
		version: func(p *incident.Places) int64 { return p.Version },
	}
}

// places adds the group of a change: with the hold that it takes, or without the one that
// it gives back. The transaction rests on what was read of it. Where the group is full the
// transaction is sent all the same, with a write that is always refused: so the incident's
// version, the kill switch and the target count before it, as in every store.
func (s *Store) places(ctx context.Context, t *transaction, c incident.Change) error {
	group := c.FreeGroup
	if group == "" {
		group = c.Take.AtOnce.Key()
	}
	v := placesOf(c.Incident.Tenant, group)
	now, err := v.read(ctx, s)
	if err != nil {
		return err
	}
	if c.FreeGroup != "" {
		if next, had := now.Free(c.Incident.Ref); had {
			return t.putPlaces(v, next, meansMoved, now.Version)
		}
		return nil
	}
	next, full := now.Take(*c.Take)
	if full != nil {
		t.full = full
		return t.putPlaces(v, now, meansFull, -1)
	}
	return t.putPlaces(v, next, meansMoved, now.Version)
}

func (t *transaction) putPlaces(v versioned[incident.Places], p incident.Places, m meaning, before int64) error {
	it, err := v.item(p)
	if err != nil {
		return err
	}
	condition, values := "version = :before", item{":before": number(before)} // no version is below 0
	if before == 0 {
		condition, values = absent, nil
	}
	t.put(it, m, condition, values)
	return nil
}
