package bolt

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Untold implements steps.Untold.
func (s *Store) Untold(_ context.Context, tenant, after string) (list []steps.Lag, err error) {
	prefix := append(key(tenant), 0)
	err = s.scan(func(tx *bbolt.Tx) error {
		list = nil
		c := bucketUntold.in(tx).Cursor()
		beyond := append(bytes.Clone(prefix), after+"\x00"...)
		for k, _ := c.Seek(beyond); bytes.HasPrefix(k, prefix) && len(list) < steps.MaxUntold; k, _ = c.Next() {
			lag := steps.Lag{Ref: incident.Ref{Tenant: tenant, ID: string(k[len(prefix):])}}
			_, err := bucketUntold.get(commit.Plain{Tx: tx}, k, &lag.Version)
			s.note(err) // a damaged one is told too, and then taken off
			list = append(list, lag)
		}
		return nil
	})
	return list, s.unavailable(err)
}

// Told implements steps.Untold.
func (s *Store) Told(_ context.Context, of steps.Lag) error {
	k := key(of.Ref.Tenant, of.Ref.ID)
	return s.unavailable(s.writer.Do(func(tx commit.Tx) error {
		var version int64
		there, err := bucketUntold.get(tx, k, &version)
		if s.note(err) || there && version == of.Version {
			return tx.Delete(bucketUntold.name, k)
		}
		return nil
	}))
}
