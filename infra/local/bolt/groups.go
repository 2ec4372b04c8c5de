package bolt

import (
	"context"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
)

// updated is a value that says whether a change was one.
type updated[T any] interface {
	*T
	Update(change func(*T)) bool
}

// updateIn changes the value under a key in one transaction, the zero value if there is
// none. A damaged one is what instead makes of it.
func updateIn[T any, P updated[T]](s *Store, b bucket, k []byte, instead func() T, change func(*T)) error {
	return s.unavailable(s.writer.Do(func(tx commit.Tx) error {
		var value T
		_, err := b.get(tx, k, &value)
		if s.note(err) {
			value = instead()
		} else if err != nil {
			return err
		}
		if !P(&value).Update(change) {
			return nil
		}
		return s.put(tx, b, k, value)
	}))
}

// readIn reads the value under a key, as updateIn would.
func readIn[T any](s *Store, b bucket, k []byte, instead func() T) (value T, err error) {
	err = s.view(func(r commit.Reader) error {
		_, err := b.get(r, k, &value)
		if s.note(err) {
			value, err = instead(), nil
		}
		return err
	})
	return value, s.unavailable(err)
}

func anew[T any]() (zero T) { return zero }

// UpdateGroup implements steps.Groups. A damaged one begins anew: then a message more is
// sent.
func (s *Store) UpdateGroup(_ context.Context, tenant, name string, change func(*incident.Group)) error {
	return updateIn(s, bucketGroups, key(tenant, name), anew[incident.Group], change)
}

// UpdateFixes implements steps.FixHistories. A damaged one begins anew: then a fix may be
// tried more often than it should.
func (s *Store) UpdateFixes(_ context.Context, tenant, service string, change func(*incident.FixHistory)) error {
	return updateIn(s, bucketFixes, key(tenant, service), anew[incident.FixHistory], change)
}

// Fixes implements steps.FixHistories.
func (s *Store) Fixes(_ context.Context, tenant, service string) (incident.FixHistory, error) {
	return readIn(s, bucketFixes, key(tenant, service), anew[incident.FixHistory])
}

// UpdateBrake implements steps.Brakes.
func (s *Store) UpdateBrake(_ context.Context, tenant string, change func(*incident.Brake)) error {
	return updateIn(s, bucketBrakes, key(tenant), func() incident.Brake { return incident.LostBrake(tenant) }, change)
}

// Brake implements steps.Brakes.
func (s *Store) Brake(_ context.Context, tenant string) (incident.Brake, error) {
	return readIn(s, bucketBrakes, key(tenant), func() incident.Brake { return incident.LostBrake(tenant) })
}

// braked refuses what a tenant's kill switch stops. A damaged switch stops everything:
// what it said cannot be known.
func (s *Store) braked(r commit.Reader, tenant string, what incident.Stop) error {
	if what == "" {
		return nil
	}
	var b incident.Brake
	if _, err := bucketBrakes.get(r, key(tenant), &b); s.note(err) {
		b = incident.LostBrake(tenant)
	} else if err != nil {
		return err
	}
	return b.Refuses(what)
}
