package commit

import (
	"encoding/binary"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/journal"
)

// memtable holds what is in the journal and not yet in the bbolt file. A record has
// a version for each group that wrote it, so that a reader sees one moment while
// the writer goes on. The writer changes it under Writer.mu; once it is frozen,
// nobody does.
type memtable struct {
	records     map[string]map[string]*version // by bucket and key; of sequences by "" and bucket
	first, last uint64                         // groups; 0: none
}

// version is what one group wrote.
type version struct {
	seq   uint64
	value []byte // nil: it was deleted
	op    int    // which of its group's operations that was
	older *version
}

func newMemtable() *memtable { return &memtable{records: map[string]map[string]*version{}} }

// sequences is the place of the buckets' sequences; no bucket has this name.
const sequences = ""

// place returns where an operation's record is.
func place(op journal.Op) (bucket string, key []byte) {
	if op.Kind == journal.Sequence {
		return sequences, []byte(op.Bucket)
	}
	return op.Bucket, op.Key
}

// get returns the newest version that a group up to seq wrote, nil if there is none.
func (m *memtable) get(bucket string, key []byte, seq uint64) *version {
	v := m.records[bucket][string(key)]
	for v != nil && v.seq > seq {
		v = v.older
	}
	return v
}

// put adds a version. It returns which operation of the same group it replaces, -1
// if none.
func (m *memtable) put(op journal.Op, seq uint64, n int) (replaced int) {
	bucket, key := place(op)
	keys := m.records[bucket]
	if keys == nil {
		keys = map[string]*version{}
		m.records[bucket] = keys
	}
	older := keys[string(key)]
	keys[string(key)] = &version{seq: seq, value: op.Value, op: n, older: older}
	if older != nil && older.seq == seq {
		return older.op
	}
	return -1
}

// undo takes the newest version of a record away again. It returns which operation
// of the same group counts again, -1 if none.
func (m *memtable) undo(op journal.Op, seq uint64) (again int) {
	bucket, key := place(op)
	older := m.records[bucket][string(key)].older
	if older == nil {
		delete(m.records[bucket], string(key))
		return -1
	}
	m.records[bucket][string(key)] = older
	if older.seq == seq {
		return older.op
	}
	return -1
}

// apply writes what the groups up to seq left into the bbolt file, in the order of
// the keys, which changes each page once.
func (m *memtable) apply(tx *bbolt.Tx, seq uint64, scattered func(bucket string) bool) error {
	for _, bucket := range slices.Sorted(maps.Keys(m.records)) {
		if bucket == sequences {
			continue
		}
		b, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		if !scattered(bucket) {
			b.FillPercent = inOrder
		}
		keys := m.records[bucket]
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			v := m.get(bucket, []byte(key), seq)
			switch {
			case v == nil:
			case v.value == nil:
				err = b.Delete([]byte(key))
			default:
				err = b.Put([]byte(key), v.value)
			}
			if err != nil {
				return err
			}
		}
	}
	for bucket := range m.records[sequences] {
		v := m.get(sequences, []byte(bucket), seq)
		if v == nil {
			continue
		}
		b, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		if err := b.SetSequence(binary.BigEndian.Uint64(v.value)); err != nil {
			return err
		}
	}
	return nil
}

// inOrder is how full a page is left when it is split, where keys come in the
// order of time: little is ever inserted into the older half.
const inOrder = 0.9

// Apply does operations in a bbolt transaction, each record's last one only. It may
// be done again. Scattered reports whether a bucket's keys come in no order.
func Apply(tx *bbolt.Tx, ops []journal.Op, scattered func(bucket string) bool) error {
	m := newMemtable()
	for n, op := range ops {
		m.put(op, uint64(n), n)
	}
	return m.apply(tx, uint64(len(ops)), scattered)
}
