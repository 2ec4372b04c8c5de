package commit

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/journal"
)

// Reader reads single records as of one moment.
type Reader interface {
	// Get returns a record's value, nil if there is none. It is good until the
	// transaction ends, and is not to be changed.
	Get(bucket, key []byte) []byte
}

// Tx reads and writes single records. It reads what it wrote.
type Tx interface {
	Reader
	// Put stores a value, which is not to be changed any more.
	Put(bucket, key, value []byte) error
	Delete(bucket, key []byte) error
	// Count adds one to the bucket's sequence.
	Count(bucket []byte) error
}

// Plain reads single records in a bbolt transaction of the file.
type Plain struct{ Tx *bbolt.Tx }

// Get implements Reader. A bucket that is not there has no records.
func (p Plain) Get(bucket, key []byte) []byte {
	if b := p.Tx.Bucket(bucket); b != nil {
		return b.Get(key)
	}
	return nil
}

// view reads the groups up to seq: first what is in memory, then the file.
type view struct {
	w              *Writer
	active, frozen *memtable
	seq            uint64
	file           *bbolt.Tx
}

func (v *view) Get(bucket, key []byte) []byte {
	if found := v.find(string(bucket), key); found != nil {
		return found.value
	}
	return Plain{v.file}.Get(bucket, key)
}

func (v *view) find(bucket string, key []byte) *version {
	v.w.mu.RLock()
	defer v.w.mu.RUnlock()
	if found := v.active.get(bucket, key, v.seq); found != nil || v.frozen == nil {
		return found
	}
	return v.frozen.get(bucket, key, v.seq)
}

// groupTx is the transaction of one group's members. What they write is in the
// active memtable at once, under a number that no reader asks for yet.
type groupTx struct {
	view
	ops  []journal.Op
	dead []bool // operations that a later one of the group replaces
	size int    // of the operations' texts, in bytes
}

// Put implements Tx. It refuses what bbolt would refuse later, when nobody could be
// told.
func (g *groupTx) Put(bucket, key, value []byte) error {
	if len(key) == 0 || len(key) > bbolt.MaxKeySize || int64(len(value)) > bbolt.MaxValueSize || len(bucket) == 0 {
		return fmt.Errorf("a key of %d bytes or a value of %d cannot be stored in %q", len(key), len(value), bucket)
	}
	if value == nil {
		value = []byte{}
	}
	g.add(journal.Op{Kind: journal.Put, Bucket: string(bucket), Key: key, Value: value})
	return nil
}

// Delete implements Tx.
func (g *groupTx) Delete(bucket, key []byte) error {
	if len(key) == 0 || len(bucket) == 0 {
		return fmt.Errorf("there is no record without a key to delete in %q", bucket)
	}
	g.add(journal.Op{Kind: journal.Delete, Bucket: string(bucket), Key: key})
	return nil
}

// Count implements Tx.
func (g *groupTx) Count(bucket []byte) error {
	n := uint64(0)
	if found := g.find(sequences, bucket); found != nil {
		n = binary.BigEndian.Uint64(found.value)
	} else if b := g.file.Bucket(bucket); b != nil {
		n = b.Sequence()
	}
	g.add(journal.Op{Kind: journal.Sequence, Bucket: string(bucket), Value: binary.BigEndian.AppendUint64(nil, n+1)})
	return nil
}

func (g *groupTx) add(op journal.Op) {
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	if replaced := g.active.put(op, g.seq, len(g.ops)); replaced >= 0 {
		g.dead[replaced] = true
	}
	g.ops, g.dead = append(g.ops, op), append(g.dead, false)
	g.size += len(op.Key) + len(op.Value)
}

// undo takes back all operations from number n on.
func (g *groupTx) undo(n int) {
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	for i := len(g.ops) - 1; i >= n; i-- {
		if again := g.active.undo(g.ops[i], g.seq); again >= 0 {
			g.dead[again] = false
		}
		g.size -= len(g.ops[i].Key) + len(g.ops[i].Value)
	}
	g.ops, g.dead = g.ops[:n], g.dead[:n]
}

// left returns what is to be written: each record once.
func (g *groupTx) left() []journal.Op {
	var ops []journal.Op
	for i, op := range g.ops {
		if !g.dead[i] {
			ops = append(ops, op)
		}
	}
	return ops
}
