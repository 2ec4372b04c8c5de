package engine

import (
	"sync"

	"github.com/opsguard/opsguard/pkg/asl"
)

// unsynced holds the steps that were taken and are not known to be on disk. The engine
// goes on from them; everybody else sees them once they are on disk.
type unsynced struct {
	mu      sync.Mutex
	idle    sync.Cond
	steps   map[string]step // the last one of each execution
	batches int             // that are under way
	failed  error           // why the disk took none of them lately; nil if it does
}

// step is where an execution came to in a batch.
type step struct {
	exec  asl.Execution
	task  *asl.RunTask // what runs now; nil if nothing does
	batch *batch
}

func newUnsynced() *unsynced {
	u := &unsynced{steps: map[string]step{}}
	u.idle.L = &u.mu
	return u
}

// get returns an execution that is not on disk as it is now. It may have finished.
func (u *unsynced) get(name string) (step, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s, ok := u.steps[name]
	return s, ok
}

// refused returns why the disk takes nothing, nil if it does as far as is known.
func (u *unsynced) refused() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}

// add notes the steps of a batch, and returns how to take that back.
func (u *unsynced) add(b *batch) (undo func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	before := make(map[string]step, len(b.changed))
	for _, name := range b.changed {
		if s, ok := u.steps[name]; ok {
			before[name] = s
		}
		at := b.entries[name]
		u.steps[name] = step{at.exec, at.task, b}
	}
	u.batches++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, name := range b.changed {
			if s, ok := before[name]; ok && s.batch.under {
				u.steps[name] = s
			} else {
				delete(u.steps, name)
			}
		}
		u.batches--
	}
}

// told notes how the write of a batch went. After a failure it is still under way.
func (u *unsynced) told(b *batch, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer u.idle.Broadcast()
	if u.failed = err; err != nil {
		return
	}
	b.under = false
	u.batches--
	for _, name := range b.changed {
		if u.steps[name].batch == b {
			delete(u.steps, name)
		}
	}
}

// wait returns when every step is on disk, or the disk takes none.
func (u *unsynced) wait() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for u.batches > 0 && u.failed == nil {
		u.idle.Wait()
	}
}
