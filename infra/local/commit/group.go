package commit

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/infra/local/journal"
)

// maxGroupSize is where a group ends early, in bytes of keys and values.
const maxGroupSize = 1 << 20

// write writes one group and answers it. It returns how many members that were, and
// why they were not written.
func (w *Writer) write(members []*member) (n int, err error) {
	n, err = w.tryWrite(members)
	if n > 1 && errors.Is(err, dbfile.ErrDamaged) {
		// One of them met a damaged part of the file; alone, each fails or succeeds for itself.
		for i := range n {
			if _, err = w.write(members[i : i+1]); err != nil && len(w.soon.owed) > 0 {
				return i + 1, err
			}
		}
		return n, nil
	}
	if err != nil {
		err = fmt.Errorf("commit: %w", err)
		w.refuse(members[:n], err)
		return n, err
	}
	for _, m := range members[:n] {
		w.answer(m)
	}
	return n, nil
}

// refuse answers members that were not written.
func (w *Writer) refuse(members []*member, err error) {
	for _, m := range members {
		m.err = err
		w.answer(m)
	}
}

// tryWrite runs members as one group, until it is large, and makes it durable.
func (w *Writer) tryWrite(members []*member) (n int, err error) {
	g := &groupTx{view: view{w: w, active: w.active, frozen: w.frozen, seq: w.seq + 1}}
	err = w.db.View(func(tx *bbolt.Tx) error {
		g.file = tx
		for n < len(members) && (n == 0 || g.size < maxGroupSize) {
			m, mark := members[n], len(g.ops)
			n++
			if m.err = m.write(g); m.err != nil {
				g.undo(mark)
			}
		}
		return nil
	})
	if err != nil { // a panic is one too: what its member had written cannot be known
		g.undo(0)
		return max(n, 1), err
	}
	if len(g.ops) == 0 {
		return n, nil
	}
	if err := w.store(g); err != nil {
		g.undo(0)
		return n, err
	}
	return n, nil
}

// store makes a group durable and readable. The operations are in the active
// memtable.
func (w *Writer) store(g *groupTx) error {
	ops := g.left()
	size := journal.Size(ops)
	if !w.journal.Room(size) {
		g.undo(0)
		if err := w.makeRoom(); err != nil {
			return err
		}
		if size > journal.Most {
			return w.direct(func(tx *bbolt.Tx) error { return Apply(tx, ops, w.db.Scattered) })
		}
		g.active = w.active
		for _, op := range ops {
			g.add(op)
		}
	}
	if err := w.db.Append(ops); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq = g.seq
	if w.active.last = g.seq; w.active.first == 0 {
		w.active.first = g.seq
		w.checkpoint.timer.Reset(longest)
	}
	return nil
}
