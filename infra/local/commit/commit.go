// Package commit groups writes to one bbolt file into shared transactions, so
// that many writers share one fsync. The incident store and the workflow engine
// write through the same Writer.
//
// bbolt's own Batch waits a fixed time for company and runs a whole batch anew
// when one member fails. A Writer never waits: whatever queued up while the last
// transaction was being synced goes into the next, and a member that answers an
// error before it wrote anything costs the others nothing.
package commit

import (
	"errors"
	"fmt"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/dbfile"
)

// ErrClosed is the answer after Close.
var ErrClosed = errors.New("the store is closed")

// maxGroup bounds one transaction, in members, so that a flood cannot make
// everybody wait for one huge commit.
const maxGroup = 1024

// DB is what a Writer writes to: a bbolt file, or what stands before one.
type DB interface {
	Update(func(*bbolt.Tx) error) error
}

// Writer is safe for concurrent use.
type Writer struct {
	db      DB
	queue   chan *member
	mu      sync.RWMutex // held for reading while sending, so that Close can close queue
	closed  bool
	stopped chan struct{}
}

type member struct {
	write func(tx *bbolt.Tx) error
	err   error
	done  chan struct{}
}

// New starts a writer for db. Close it before db.
func New(db DB) *Writer {
	w := &Writer{db: db, queue: make(chan *member, maxGroup), stopped: make(chan struct{})}
	go w.run()
	return w
}

// Do runs write in a transaction and returns when that is on disk. If write
// returns an error it must not have written anything: the error is returned,
// the transaction goes on without it. A failure to commit is everybody's.
func (w *Writer) Do(write func(tx *bbolt.Tx) error) error {
	m := &member{write: write, done: make(chan struct{})}
	if err := w.send(m); err != nil {
		return err
	}
	<-m.done
	return m.err
}

func (w *Writer) send(m *member) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	w.queue <- m
	return nil
}

// fatal is an error that must abort the whole transaction.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// Abort marks an error of a write that may have written something before it
// failed: the transaction is rolled back for everybody in it.
func Abort(err error) error { return fatal{err} }

// Close commits what was queued and stops. Calling it again does nothing.
func (w *Writer) Close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.stopped
}

func (w *Writer) run() {
	defer close(w.stopped)
	group := make([]*member, 0, maxGroup)
	for first := range w.queue {
		group = append(group[:0], first)
	drain:
		for len(group) < maxGroup {
			select {
			case m, ok := <-w.queue:
				if !ok {
					break drain
				}
				group = append(group, m)
			default:
				break drain
			}
		}
		w.commit(group)
	}
}

func (w *Writer) commit(group []*member) {
	err := w.tryCommit(group)
	if len(group) > 1 && errors.Is(err, dbfile.ErrDamaged) {
		// One of them met a damaged part of the file; alone, each fails or succeeds for itself.
		for i := range group {
			w.commit(group[i : i+1])
		}
		return
	}
	for _, m := range group {
		if err != nil {
			m.err = fmt.Errorf("commit: %w", err)
		}
		close(m.done)
	}
}

// tryCommit runs the group in one transaction. A member that panics aborts it for
// all, because what it had written cannot be known; the process goes on.
func (w *Writer) tryCommit(group []*member) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %w: %v", dbfile.ErrDamaged, p)
		}
	}()
	return w.db.Update(func(tx *bbolt.Tx) error {
		for _, m := range group {
			m.err = m.write(tx)
			if f, ok := m.err.(fatal); ok {
				return f
			}
		}
		return nil
	})
}
