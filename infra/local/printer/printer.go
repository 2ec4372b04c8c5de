// Package printer prints without making anybody wait. What is written to an Outlet
// goes into a bounded queue, and one goroutine writes it out. So a terminal that was
// stopped (Ctrl-S), a pipe that nobody reads or a slow connection holds up that
// goroutine and nothing else. When the queue is full the oldest entries are dropped,
// and how many is printed as soon as there is room. Start at New.
package printer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
)

// Queue is what waits to be printed, on one outlet or several. Entries are printed
// in the order in which they were written, across outlets too: two that are the same
// terminal belong to one queue, two that are not to one each, so that one that is
// stuck does not hold back the other.
type Queue struct {
	most int // bytes

	mu      sync.Mutex
	changed *sync.Cond // something came, or Close was called
	waiting []entry
	bytes   int
	outlets []*Outlet
	writing bool
	closed  bool
	stopped chan struct{}
}

// entry is one Write.
type entry struct {
	to   *Outlet
	text []byte
}

// Outlet is one writer of a Queue. It may be used concurrently.
type Outlet struct {
	queue *Queue
	out   io.Writer
	hooks Hooks
	lost  int   // entries that were not printed and not told yet
	gone  error // why nothing can be printed any more
}

// Hooks word what an outlet has to say about itself. A nil one says nothing.
type Hooks struct {
	// Lost is printed where entries are missing.
	Lost func(entries int) []byte
	// Gone is called once, when the reader has left for good.
	Gone func()
}

// New makes a queue of at most that many bytes and starts printing. The entry that
// came last is kept whatever its size. Close it.
func New(most int) *Queue {
	q := &Queue{most: most, stopped: make(chan struct{})}
	q.changed = sync.NewCond(&q.mu)
	go q.print()
	return q
}

// Outlet adds a writer to the queue.
func (q *Queue) Outlet(out io.Writer, hooks Hooks) *Outlet {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := &Outlet{queue: q, out: out, hooks: hooks}
	q.outlets = append(q.outlets, o)
	return o
}

// Write queues a copy of text, to be printed by one call of the outlet's writer. It
// never waits. It fails, with syscall.EPIPE in its chain, once the reader has left.
func (o *Outlet) Write(text []byte) (int, error) {
	q := o.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case o.gone != nil:
		return 0, o.gone
	case q.closed:
		return 0, errors.New("printer: closed")
	}
	q.waiting = append(q.waiting, entry{o, append([]byte(nil), text...)})
	q.bytes += len(text)
	for q.bytes > q.most && len(q.waiting) > 1 {
		q.waiting[0].to.lost++
		q.pop()
	}
	q.changed.Signal()
	return len(text), nil
}

// pop takes the oldest entry. The caller holds mu.
func (q *Queue) pop() entry {
	e := q.waiting[0]
	q.waiting[0] = entry{} // lets go of the text
	q.waiting = q.waiting[1:]
	q.bytes -= len(e.text)
	return e
}

// Close takes no more entries and waits until all are printed, but not beyond ctx. It
// returns how many were not.
func (q *Queue) Close(ctx context.Context) (left int) {
	q.mu.Lock()
	q.closed = true
	q.changed.Signal()
	q.mu.Unlock()
	select {
	case <-q.stopped:
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	left = len(q.waiting)
	if q.writing {
		left++
	}
	return left
}

// print writes entries out until the queue is closed and empty.
func (q *Queue) print() {
	defer close(q.stopped)
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.waiting) == 0 && !q.closed {
			q.changed.Wait()
		}
		if len(q.waiting) == 0 {
			return
		}
		q.tellLost() // meanwhile more may be dropped, but never all
		e := q.pop()
		q.write(e.to, e.text, 1)
	}
}

// tellLost says where entries are missing, before what follows them.
func (q *Queue) tellLost() {
	for _, o := range q.outlets {
		n := o.lost
		if n == 0 || o.hooks.Lost == nil {
			continue
		}
		o.lost = 0
		q.write(o, o.hooks.Lost(n), n)
	}
}

// write prints outside the mutex, which the caller holds. What cannot be printed is
// counted as lost: that many entries.
func (q *Queue) write(to *Outlet, text []byte, entries int) {
	if to.gone != nil {
		return
	}
	q.writing = true
	q.mu.Unlock()
	_, err := to.out.Write(text)
	left := errors.Is(err, syscall.EPIPE)
	if left && to.hooks.Gone != nil {
		to.hooks.Gone()
	}
	q.mu.Lock()
	q.writing = false
	switch {
	case left:
		to.gone = fmt.Errorf("the reader has left: %w", err)
	case err != nil:
		to.lost += entries
	}
}
