package engine

import (
	"bytes"
	"sync"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/asl"
)

// recent remembers what stored executions mean: the next step of one mostly comes soon
// after the last, and decoding takes longer than all else of it. The stored bytes are
// compared, so what is remembered cannot differ from what is stored.
type recent struct {
	mu         sync.Mutex
	young, old map[string]remembered
}

// remembered is shared: asl.Next returns changed copies and writes to nothing that an
// execution points at.
type remembered struct {
	stored []byte
	exec   asl.Execution
	task   *asl.RunTask // what runs now; nil if nothing does
}

const (
	// maxRecent bounds each of the two generations, in executions.
	maxRecent = 512
	// maxRemembered is the size of the largest one that is remembered, in bytes.
	maxRemembered = 16 << 10
)

// read returns a running execution, the task that it runs if that is remembered, and
// false if there is none.
func (r *recent) read(from commit.Reader, name string) (asl.Execution, *asl.RunTask, bool, error) {
	stored := from.Get([]byte(runningBucket), []byte(name))
	if stored == nil {
		return asl.Execution{}, nil, false, nil
	}
	r.mu.Lock()
	known, ok := r.young[name]
	if !ok {
		known, ok = r.old[name]
	}
	r.mu.Unlock()
	if ok && bytes.Equal(known.stored, stored) {
		return known.exec, known.task, true, nil
	}
	exec, running, err := readRunning(from, name)
	return exec, nil, running, err
}

// keep remembers an execution that was stored.
func (r *recent) keep(name string, one remembered) {
	if len(one.stored) > maxRemembered {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= maxRecent {
		r.young, r.old = make(map[string]remembered, maxRecent), r.young
	}
	r.young[name] = one
}

// forget lets go of one that has ended.
func (r *recent) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.young, name)
	delete(r.old, name)
}
