package engine

import (
	"context"
	"sync"
)

// runs is the queue of tasks. Each function has its own, and they take turns, so that a flood of slow analyses does not keep
// an approved fix waiting; for the same reason no function may hold more than three quarters of the places.
type runs struct {
	mu          sync.Mutex
	queues      map[string][]run
	order       []string // functions, in the order of their turns
	next        int
	running     map[string]int
	total       int
	limit       int
	perFunction int
	begun       bool
	stopped     bool
	idle        chan struct{} // closed when stopped and nothing runs
	do          func(run)     // runs one task to its end
}

type run struct {
	name     string
	attempt  int // what is queued for an attempt runs for no other: each is queued once, so none runs twice at a time
	function string
}

func newRuns(limit int, do func(run)) *runs {
	return &runs{
		queues: map[string][]run{}, running: map[string]int{}, limit: limit, perFunction: max(1, limit*3/4),
		idle: make(chan struct{}), do: do,
	}
}

func (r *runs) add(one run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.queues[one.function]; !ok {
		r.order = append(r.order, one.function)
	}
	r.queues[one.function] = append(r.queues[one.function], one)
	r.fill()
}

// begin lets tasks run.
func (r *runs) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = true
	r.fill()
}

// fill starts what there are places for. The caller holds mu.
func (r *runs) fill() {
	for r.begun && !r.stopped && r.total < r.limit {
		one, ok := r.pick()
		if !ok {
			return
		}
		r.running[one.function]++
		r.total++
		go func() {
			defer r.done(one)
			r.do(one)
		}()
	}
}

func (r *runs) pick() (run, bool) {
	for i := range r.order {
		at := (r.next + i) % len(r.order)
		function := r.order[at]
		queue := r.queues[function]
		if len(queue) == 0 || r.running[function] >= r.perFunction {
			continue
		}
		r.next = at + 1
		r.queues[function] = queue[1:]
		if len(queue) == 1 {
			r.queues[function] = nil // lets go of what a flood allocated
		}
		return queue[0], true
	}
	return run{}, false
}

func (r *runs) done(one run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[one.function]--
	r.total--
	if r.stopped && r.total == 0 {
		close(r.idle)
		return
	}
	r.fill()
}

// stop starts nothing more; idle is closed once what runs has ended. It may be called once.
func (r *runs) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	if r.total == 0 {
		close(r.idle)
	}
}

// idleBefore waits, after stop, until nothing runs, and answers false if ctx ends first.
// A select alone would choose by chance where both are so.
func (r *runs) idleBefore(ctx context.Context) bool {
	select {
	case <-r.idle:
		return true
	case <-ctx.Done():
	}
	select {
	case <-r.idle:
		return true
	default:
		return false
	}
}
