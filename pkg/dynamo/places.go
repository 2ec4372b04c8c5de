package dynamo

import (
	"context"
	"encoding/json"

	"github.com/opsguard/opsguard/pkg/incident"
)

// places adds the group of a change: with the hold that it takes, or without the one that
// it gives back. The transaction rests on what was read of it. Where the group is full the
// transaction is sent all the same, with a write that is always refused: so the incident's
// version, the kill switch and the target count before it, as in every store.
//
// The item stays when nobody is at work in the group: its version must never begin again.
func (s *Store) places(ctx context.Context, t *transaction, c incident.Change) error {
	group := c.FreeGroup
	if group == "" {
		group = c.Take.AtOnce.Key()
	}
	k := targetKey(c.Incident.Tenant, group)
	it, err := s.get(ctx, k, true)
	if err != nil {
		return err
	}
	var now incident.Places
	if it != nil {
		if err := bodyOf(it, &now); err != nil {
			return err
		}
	}
	if c.FreeGroup != "" {
		if next, had := now.Free(c.Incident.Ref); had {
			return t.putPlaces(k, next, meansMoved, now.Version)
		}
		return nil
	}
	next, full := now.Take(*c.Take)
	if full != nil {
		t.full = full
		return t.putPlaces(k, now, meansFull, -1)
	}
	return t.putPlaces(k, next, meansMoved, now.Version)
}

func (t *transaction) putPlaces(k item, p incident.Places, m meaning, before int64) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	condition := "version = :before" // no version is below 0
	if before == 0 {
		condition = absent
	}
	values := item{":before": number(before)}
	if before == 0 {
		values = nil
	}
	t.put(with(k, item{attrBody: text(string(body)), attrVersion: number(p.Version)}), m, condition, values)
	return nil
}
