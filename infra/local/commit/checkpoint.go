package commit

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// checkpoint is what the writer's goroutine knows of checkpoints. One at a time runs,
// in a goroutine of its own, while groups go on.
type checkpoint struct {
	running bool
	ended   chan error
	timer   *time.Timer // for what was in the journal for long, and for another try
	due     bool        // the timer has fired since the last one began
	waiting []waiter
}

// waiter waits until the file has every group up to seq.
type waiter struct {
	seq uint64
	*member
}

func (c *checkpoint) init() {
	c.ended = make(chan error, 1)
	c.timer = time.NewTimer(longest)
	c.timer.Stop()
}

// beginCheckpoint begins one if it is time and none runs.
func (w *Writer) beginCheckpoint() {
	c := &w.checkpoint
	switch {
	case c.running:
		return
	case w.frozen != nil: // the last one failed
		if !c.due && len(c.waiting) == 0 {
			return
		}
	case w.active.last == 0:
		w.answerFlushed()
		return
	case !c.due && len(c.waiting) == 0 && !w.journal.HalfFull():
		return
	default:
		w.freeze()
	}
	c.due = false
	w.startCheckpoint()
}

// startCheckpoint writes what is frozen into the file, beside the groups that go on.
func (w *Writer) startCheckpoint() {
	w.checkpoint.running = true
	frozen := w.frozen
	go func() { w.checkpoint.ended <- w.apply(frozen) }()
}

// freeze lets groups go to the other half of the journal. Nothing may be frozen.
func (w *Writer) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen, w.active = w.active, newMemtable()
	w.journal.Rotate()
}

// apply writes a frozen memtable into the file.
func (w *Writer) apply(frozen *memtable) error {
	return w.db.Update(func(tx *bbolt.Tx) error {
		if err := frozen.apply(tx, frozen.last, w.db.Scattered); err != nil {
			return err
		}
		return w.db.Applied(tx, frozen.last)
	})
}

// endCheckpoint takes note of how one ended. After a failure everything stays in the
// journal and in memory, and it is tried again.
func (w *Writer) endCheckpoint(err error) {
	c := &w.checkpoint
	c.running = false
	if err != nil {
		c.timer.Reset(retry)
		for _, waiting := range c.waiting {
			waiting.err = fmt.Errorf("write the journal into the store: %w", err)
			close(waiting.done)
		}
		c.waiting = nil
		return
	}
	w.mu.Lock()
	w.journal.SetApplied(w.frozen.last)
	w.frozen = nil
	w.mu.Unlock()
	w.answerFlushed()
}

// answerFlushed answers those whose groups the file has.
func (w *Writer) answerFlushed() {
	c := &w.checkpoint
	left := c.waiting[:0]
	for _, waiting := range c.waiting {
		if waiting.seq > w.journal.Applied() {
			left = append(left, waiting)
			continue
		}
		close(waiting.done)
	}
	c.waiting = left
}

// makeRoom waits until groups can go to an empty half of the journal.
func (w *Writer) makeRoom() error {
	if err := w.settle(); err != nil {
		return err
	}
	if w.active.last != 0 {
		w.freeze()
		w.startCheckpoint()
	}
	return nil
}

// settle waits until nothing is frozen, and tries once more what failed.
func (w *Writer) settle() error {
	c := &w.checkpoint
	if c.running {
		w.endCheckpoint(<-c.ended)
	}
	if w.frozen == nil {
		return nil
	}
	err := w.apply(w.frozen)
	w.endCheckpoint(err)
	return err
}

// empty waits until the file has everything.
func (w *Writer) empty() error {
	if err := w.settle(); err != nil {
		return err
	}
	if w.active.last == 0 {
		w.answerFlushed()
		return nil
	}
	w.freeze()
	return w.settle()
}

// direct changes the file between groups.
func (w *Writer) direct(change func(*bbolt.Tx) error) error {
	if err := w.empty(); err != nil {
		return err
	}
	return w.db.Update(change)
}
