package commit

import (
	"slices"
	"time"
)

const (
	// company is how long a write that nobody waits for looks for one that somebody
	// waits for, to share its sync. So a step and the first write of what it led to
	// cost one sync.
	company = 5 * time.Millisecond
	// crowd is how many of them are written without looking any longer.
	crowd = 256
)

// Soon queues a write and does not wait for the disk. It keeps its place: whatever is
// asked of the Writer after Soon has returned is on disk only if this write is, too.
// So after a crash the store is as it was at one moment, with all that was written
// before it.
//
// The write is tried until it is on disk; told hears each time how that went, nil the
// last time; only then View and Scan show it. told must not wait for the Writer.
// After Close, and where Close could not write, it hears nothing.
func (w *Writer) Soon(write func(tx Tx) error, told func(error)) error {
	return w.send(&member{write: write, told: told})
}

// soon is what the writer's goroutine knows of the writes that nobody waits for.
type soon struct {
	owed  []*member // in their order; they come before everything that is queued
	timer *time.Timer
}

func (s *soon) init() {
	s.timer = time.NewTimer(company)
	s.timer.Stop()
}

// take returns what is to be written now: nothing while nobody waits for any of it.
func (s *soon) take(group []*member) []*member {
	waits := slices.ContainsFunc(group, func(m *member) bool { return m.told == nil })
	if waits && len(s.owed) == 0 {
		return group
	}
	if len(s.owed) == 0 {
		s.timer.Reset(company)
	}
	if s.owed = append(s.owed, group...); waits || len(s.owed) >= crowd {
		return s.takeAll()
	}
	return nil
}

// takeAll returns what is owed.
func (s *soon) takeAll() []*member {
	s.timer.Stop()
	owed := s.owed
	s.owed = nil
	return owed
}

// again keeps a write that failed for the next group.
func (s *soon) again(m *member) {
	if s.owed = append(s.owed, m); len(s.owed) == 1 {
		s.timer.Reset(retry)
	}
}

// answer tells a member how it went.
func (w *Writer) answer(m *member) {
	if m.told == nil {
		close(m.done)
		return
	}
	err := m.err
	if m.err = nil; err != nil {
		w.soon.again(m)
	}
	m.told(err)
}
