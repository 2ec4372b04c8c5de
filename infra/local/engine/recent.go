package engine

import (
	"bytes"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/recent"
)

// executions remembers what stored executions mean: the next step of one mostly comes soon
// after the last, and decoding takes longer than all else of it. The stored bytes are
// compared, so what is remembered cannot differ from what is stored.
type executions struct {
	*recent.Map[string, remembered]
}

func newExecutions() executions { return executions{recent.NewMap[string, remembered](maxRecent)} }

// remembered is shared: asl.Next returns changed copies and writes to nothing that an
// execution points at.
type remembered struct {
	stored []byte
	exec   asl.Execution
	task   *asl.RunTask // what runs now; nil if nothing does
}

const (
	// maxRecent is how many executions are remembered at least, and half of how many at most.
	maxRecent = 512
	// maxRemembered is the size of the largest one that is remembered, in bytes.
	maxRemembered = 16 << 10
)

// read returns a running execution, the task that it runs if that is remembered, and
// false if there is none.
func (r executions) read(from commit.Reader, name string) (asl.Execution, *asl.RunTask, bool, error) {
	stored := from.Get([]byte(runningBucket), []byte(name))
	if stored == nil {
		return asl.Execution{}, nil, false, nil
	}
	known, ok := r.Peek(name)
	if ok && bytes.Equal(known.stored, stored) {
		return known.exec, known.task, true, nil
	}
	exec, running, err := readRunning(from, name)
	return exec, nil, running, err
}

// keep remembers an execution that was stored.
func (r executions) keep(name string, one remembered) {
	if len(one.stored) > maxRemembered {
		return
	}
	r.Put(name, one)
}
