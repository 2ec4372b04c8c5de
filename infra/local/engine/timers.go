package engine

import (
	"container/heap"
	"sync"
	"time"
)

// timers holds, for every execution that has one, the time of its earliest timer: a name and a number each, whatever the
// size of the execution.
type timers struct {
	mu      sync.Mutex
	heap    timerHeap
	byName  map[string]*timerItem
	changed chan struct{} // has an element when an earlier timer than before has come
}

type timerItem struct {
	name  string
	at    int64 // milliseconds since 1970
	index int
}

func newTimers() *timers {
	return &timers{byName: map[string]*timerItem{}, changed: make(chan struct{}, 1)}
}

// set replaces the execution's timer; noTimer removes it.
func (t *timers) set(name string, at int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	item, ok := t.byName[name]
	switch {
	case at == noTimer && ok:
		heap.Remove(&t.heap, item.index)
		delete(t.byName, name)
		return
	case at == noTimer:
		return
	case ok:
		item.at = at
		heap.Fix(&t.heap, item.index)
	default:
		item = &timerItem{name: name, at: at}
		t.byName[name] = item
		heap.Push(&t.heap, item)
	}
	if t.heap[0] == item {
		select {
		case t.changed <- struct{}{}:
		default:
		}
	}
}

// takeDue removes and names the executions whose time has come.
func (t *timers) takeDue(now time.Time) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for len(t.heap) > 0 && t.heap[0].at <= now.UnixMilli() {
		item, _ := heap.Pop(&t.heap).(*timerItem)
		delete(t.byName, item.name)
		names = append(names, item.name)
	}
	return names
}

// longestWait bounds how late a timer is after the machine slept: the timer of a process stands still meanwhile, the
// deadline does not.
const longestWait = time.Minute

// wait is the time until the next look at the heap; a new timer cuts it short.
func (t *timers) wait(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 {
		return 24 * time.Hour
	}
	return min(max(time.UnixMilli(t.heap[0].at).Sub(now), 0), longestWait)
}

type timerHeap []*timerItem

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is heap.Interface's.
func (h *timerHeap) Push(x any) {
	item, _ := x.(*timerItem)
	item.index = len(*h)
	*h = append(*h, item)
}

// Pop is heap.Interface's.
func (h *timerHeap) Pop() any {
	old := *h
	item := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return item
}
