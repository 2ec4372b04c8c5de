// Package commit is the only way to write to the store while it is in use. It
// groups writes, so that many writers share one sync, and the incident store and
// the workflow engine write through the same Writer.
//
// A group is appended to the journal and synced; only then can anybody read it, and
// its writers are answered. What the journal holds is kept in memory too, and is
// written into the bbolt file later, much of it in one transaction: a checkpoint.
//
// Do waits for the disk. Soon does not, but keeps its place: what is written after it is
// on disk only if it is, too.
//
// Single records are read by View: from memory first, then from the file. Ranges are
// read by Scan, which makes a checkpoint first and reads the file alone.
package commit

import (
	"errors"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/journal"
)

// ErrClosed is the answer after Close.
var ErrClosed = errors.New("the store is closed")

const (
	// maxGroup bounds one group, in members, so that a flood cannot make everybody
	// wait for one huge write.
	maxGroup = 1024
	// longest is how long a write may be in the journal alone.
	longest = time.Second
	// retry is the pause after a checkpoint that failed.
	retry = time.Second
)

// DB is the store's file with its journal.
type DB interface {
	// View reads the file as of one moment.
	View(func(*bbolt.Tx) error) error
	// Update changes the file. When it returns nil, the change is on disk.
	Update(func(*bbolt.Tx) error) error
	// Try shows the file with changes that are not made.
	Try(func(*bbolt.Tx) error) error
	// Append writes a group to the journal. When it returns nil, it is on disk.
	Append(ops []journal.Op) error
	Journal() *journal.Journal
	// Applied notes, in the transaction that does it, that the file has every group
	// of the journal up to a number.
	Applied(tx *bbolt.Tx, seq uint64) error
	// Scattered reports whether a bucket's keys come in no order.
	Scattered(bucket string) bool
}

// Writer is safe for concurrent use.
type Writer struct {
	db      DB
	journal *journal.Journal
	queue   chan *member
	closing sync.RWMutex // held for reading while sending, so that Close can close queue
	closed  bool
	stopped chan struct{}

	mu             sync.RWMutex
	active, frozen *memtable // frozen: nil, or what is being written into the file
	seq            uint64    // the last group that may be read

	checkpoint checkpoint
	soon       soon
}

// member is one write of a group, or something to be done between groups.
type member struct {
	write  func(tx Tx) error
	direct func(tx *bbolt.Tx) error
	flush  bool
	err    error
	done   chan struct{} // closed when it is answered
	told   func(error)   // called instead, where nobody waits
}

// New starts a writer for db. Close it before db.
func New(db DB) *Writer {
	w := &Writer{db: db, journal: db.Journal(), queue: make(chan *member, maxGroup), stopped: make(chan struct{}), active: newMemtable()}
	w.seq = w.journal.Seq()
	w.checkpoint.init()
	w.soon.init()
	go w.run()
	return w
}

// Do runs write and returns when what it wrote is on disk. If write returns an
// error, that is returned, and nothing of it is written; the others of its group go
// on without it. A failure to write to disk is everybody's.
func (w *Writer) Do(write func(tx Tx) error) error { return w.ask(&member{write: write}) }

// Update runs a function in a bbolt transaction of its own, after everything that
// was written before. It is for changes of ranges; others wait meanwhile.
func (w *Writer) Update(direct func(tx *bbolt.Tx) error) error { return w.ask(&member{direct: direct}) }

// Flush returns when the file has everything that was written before.
func (w *Writer) Flush() error {
	w.mu.RLock()
	nothing := w.frozen == nil && w.active.last == 0
	w.mu.RUnlock()
	if nothing {
		return nil
	}
	return w.ask(&member{flush: true})
}

// Scan reads the file, with everything that was written before in it. It is for
// ranges. While the file cannot be written to, it shows what it would be.
func (w *Writer) Scan(read func(tx *bbolt.Tx) error) error {
	if err := w.Flush(); err == nil {
		return w.db.View(read)
	}
	return w.db.Try(func(tx *bbolt.Tx) error {
		if err := w.applyAll(tx); err != nil {
			return err
		}
		return read(tx)
	})
}

func (w *Writer) applyAll(tx *bbolt.Tx) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, m := range []*memtable{w.frozen, w.active} {
		if m == nil {
			continue
		}
		if err := m.apply(tx, w.seq, w.db.Scattered); err != nil {
			return err
		}
	}
	return nil
}

// View reads single records as of one moment: everything that was answered before,
// and nothing that is not on disk.
func (w *Writer) View(read func(r Reader) error) error {
	for {
		// Memory first, then the file: a checkpoint that ends in between has put into the file
		// what memory is seen to hold. The other way round, it would be in neither.
		w.mu.RLock()
		v := view{w: w, active: w.active, frozen: w.frozen, seq: w.seq}
		w.mu.RUnlock()
		stale := false
		err := w.db.View(func(tx *bbolt.Tx) error {
			// Groups later than v.seq must not be in the file that it reads. They can only
			// be once the memory that takes them was frozen.
			w.mu.RLock()
			stale = w.active != v.active
			w.mu.RUnlock()
			if stale {
				return nil
			}
			v.file = tx
			return read(&v)
		})
		if !stale {
			return err
		}
	}
}

// Recent reports whether memory has a record: it was written lately. It costs less than
// a View.
func (w *Writer) Recent(bucket, key []byte) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	v := w.active.get(string(bucket), key, w.seq)
	if v == nil && w.frozen != nil {
		v = w.frozen.get(string(bucket), key, w.seq)
	}
	return v != nil && v.value != nil
}

func (w *Writer) ask(m *member) error {
	m.done = make(chan struct{})
	if err := w.send(m); err != nil {
		return err
	}
	<-m.done
	return m.err
}

func (w *Writer) send(m *member) error {
	w.closing.RLock()
	defer w.closing.RUnlock()
	if w.closed {
		return ErrClosed
	}
	w.queue <- m
	return nil
}

// Close writes what was queued, and all of it into the file, and stops. What could
// not be written into the file stays in the journal. Calling it again does nothing.
func (w *Writer) Close() {
	w.closing.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.closing.Unlock()
	<-w.stopped
}

func (w *Writer) run() {
	defer close(w.stopped)
	defer w.checkpoint.timer.Stop()
	defer w.soon.timer.Stop()
	group := make([]*member, 0, maxGroup)
	for {
		select {
		case <-w.checkpoint.timer.C:
			w.checkpoint.due = true
			w.beginCheckpoint()
		case err := <-w.checkpoint.ended:
			w.endCheckpoint(err)
			w.beginCheckpoint()
		case <-w.soon.timer.C:
			w.commit(w.soon.takeAll())
			w.beginCheckpoint()
		case m, ok := <-w.queue:
			if !ok {
				w.commit(w.soon.takeAll())
				_ = w.empty() // what is left is in the journal, and the next start finds it
				return
			}
			group = w.gather(append(group[:0], m))
			w.commit(w.soon.take(group))
			w.beginCheckpoint()
		}
	}
}

// gather adds what waits in the queue.
func (w *Writer) gather(group []*member) []*member {
	for len(group) < maxGroup {
		select {
		case m, ok := <-w.queue:
			if !ok {
				return group // and run meets it
			}
			group = append(group, m)
		default:
			return group
		}
	}
	return group
}

// commit writes members in their order, those that only write in groups.
func (w *Writer) commit(all []*member) {
	for len(all) > 0 {
		n := 0
		for n < len(all) && all[n].write != nil {
			n++
		}
		if n > 0 {
			done, err := w.write(all[:n])
			if all = all[done:]; err != nil && len(w.soon.owed) > 0 {
				w.refuse(all, err) // nothing may pass what is owed
				return
			}
			continue
		}
		switch m := all[0]; {
		case m.flush:
			w.checkpoint.waiting = append(w.checkpoint.waiting, waiter{w.seq, m})
			w.beginCheckpoint()
		default:
			m.err = w.direct(m.direct)
			w.answer(m)
		}
		all = all[1:]
	}
}
