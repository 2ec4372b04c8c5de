package sim

import (
	"container/heap"
	"iter"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// epoch is when every simulated world begins. It lies in the future, so that a
// deadline which a step set by the virtual clock never passes by the real one.
var epoch = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// schedule is the virtual clock and what is to happen when. Of what happens at
// the same instant the seed says which comes first.
type schedule struct {
	clock   time.Duration // since epoch
	queue   eventHeap
	seq     int
	waiting int // events that are not recurring
	tie     func() uint32
}

type event struct {
	at        time.Duration
	tie       uint32
	seq       int
	recurring bool
	do        func()
}

func (s *schedule) now() time.Time { return epoch.Add(s.clock) }

// after has do happen once that much time has passed.
func (s *schedule) after(d time.Duration, do func()) { s.add(d, false, do) }

// recur is after, for what alone does not keep a world from having settled.
func (s *schedule) recur(d time.Duration, do func()) { s.add(d, true, do) }

func (s *schedule) add(d time.Duration, recurring bool, do func()) {
	s.seq++
	if !recurring {
		s.waiting++
	}
	heap.Push(&s.queue, &event{s.clock + max(d, 0), s.tie(), s.seq, recurring, do})
}

// next takes what comes next and moves the clock there; false if nothing does.
func (s *schedule) next() bool {
	if len(s.queue) == 0 {
		return false
	}
	e, _ := heap.Pop(&s.queue).(*event)
	if !e.recurring {
		s.waiting--
	}
	s.clock = e.at
	e.do()
	return true
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.at != b.at:
		return a.at < b.at
	case a.tie != b.tie:
		return a.tie < b.tie
	}
	return a.seq < b.seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *eventHeap) Push(x any) {
	e, _ := x.(*event)
	*h = append(*h, e)
}

// Pop is heap.Interface's.
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}

// task is one run of a step, a coroutine: it runs until it pauses, and then
// somebody else does.
type task struct {
	w      *World
	actor  string
	deploy *deployment // what its process was started with
	skew   time.Duration
	server bool // part of a process of ours: an invocation of the workflow, not a client's call

	saw map[string]string // the version of each target at its last look

	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	dead   bool // its process is gone: whatever it still calls does nothing
}

// spawn runs body as a task until its first pause.
func (w *World) spawn(actor string, server bool, body func(*task)) {
	t := &task{w: w, actor: actor, deploy: w.deployed, server: server}
	if w.profile.skew > 0 {
		t.skew = time.Duration(w.rng.Int64N(int64(2*w.profile.skew))) - w.profile.skew
	}
	t.resume, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		body(t)
	})
	w.tasks = append(w.tasks, t)
	w.step(t)
}

// now is the time by the clock of the task's process.
func (t *task) now() time.Time { return t.w.now().Add(t.skew) }

// step lets a task run until it pauses again.
func (w *World) step(t *task) {
	if t.dead {
		return
	}
	if _, more := t.resume(); !more {
		w.forget(t)
	}
	if w.crashing {
		w.crash()
	}
}

func (w *World) forget(t *task) {
	for n, other := range w.tasks {
		if other == t {
			w.tasks = append(w.tasks[:n], w.tasks[n+1:]...)
			return
		}
	}
}

// pause lets others run for that long; false: the process died meanwhile.
func (t *task) pause(d time.Duration) bool {
	if t.dead {
		return false
	}
	t.w.after(d, func() { t.w.step(t) })
	if !t.yield(struct{}{}) {
		t.dead = true
	}
	return !t.dead
}

// killAll ends every task where it stands.
func (w *World) killAll() {
	tasks := w.tasks
	w.tasks = nil
	for _, t := range tasks {
		t.stop()
	}
}

// errKilled is what the calls of a dead process answer; nobody hears it.
func errKilled() error { return incident.Unavail("the process is gone", nil) }
