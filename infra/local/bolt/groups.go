package bolt

import (
	"context"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
)

// UpdateGroup implements steps.Groups. A damaged one begins anew: then a message more is
// sent.
func (s *Store) UpdateGroup(_ context.Context, tenant, name string, change func(*incident.Group)) error {
	k := key(tenant, name)
	return s.unavailable(s.writer.Do(func(tx commit.Tx) error {
		var g incident.Group
		_, err := bucketGroups.get(tx, k, &g)
		if s.note(err) {
			g = incident.Group{}
		} else if err != nil {
			return err
		}
		if !g.Update(change) {
			return nil
		}
		return s.put(tx, bucketGroups, k, g)
	}))
}
