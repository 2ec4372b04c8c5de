package bolt

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
)

// bucket is one of the store's, with what checks its records.
type bucket struct {
	name []byte
	seal dbfile.Seal
}

func newBucket(name string) bucket { return bucket{[]byte(name), dbfile.NewSeal(name)} }

func (b bucket) in(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket(b.name) }

// encode returns what is stored for a value under a key.
func (b bucket) encode(k []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}
	return b.seal.Close(k, text), nil
}

// value checks what is stored under a key and returns the value. The error is a
// badRecord.
func (b bucket) value(r commit.Reader, k, stored []byte) ([]byte, error) {
	v, err := b.seal.Open(k, stored)
	if err != nil && !dbfile.Sealed(stored) && layoutOf(r) == firstLayout {
		return stored, nil // written before there were checksums, and read only
	}
	if err != nil {
		return nil, badRecord{finding(string(b.name), k, checksumFails), err}
	}
	return v, nil
}

// get decodes the value under a key; false if there is none. What cannot be read is
// a badRecord.
func (b bucket) get(r commit.Reader, k []byte, into any) (bool, error) {
	stored := r.Get(b.name, k)
	if stored == nil {
		return false, nil
	}
	v, err := b.value(r, k, stored)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(v, into); err != nil {
		return false, badRecord{finding(string(b.name), k, "it cannot be read"), err}
	}
	return true, nil
}

const checksumFails = "its checksum does not match: it is not what was written"

// badRecord is the error of reading a record that is damaged. It is about that
// record only.
type badRecord struct {
	Finding
	err error
}

func (b badRecord) Error() string        { return "a record is damaged: " + b.Finding.String() }
func (b badRecord) Unwrap() error        { return b.err }
func (b badRecord) Is(target error) bool { return target == dbfile.ErrDamaged }

// damagedIncident answers who asks for an incident whose record is damaged.
func damagedIncident(ref incident.Ref, err error) error {
	return incident.Unavail(fmt.Sprintf("the record of %s is damaged; on the machine that keeps it, opsguard store check says what is", ref.ID), err)
}
