package sim

import (
	"cmp"
	"fmt"
	"slices"
)

// Violation is one invariant that does not hold.
type Violation struct {
	Invariant string
	Why       string
}

// Report is what became of one seed.
type Report struct {
	Seed       uint64
	Violations []Violation
	Hash       string // of the trace: equal for equal runs
	Seen       map[string]int

	world *World
}

// Trace is everything that happened, for a reader.
func (r Report) Trace() string { return r.world.text() }

// String says what is wrong, in a line each; "" if nothing is.
func (r Report) String() string {
	text := ""
	for _, v := range r.Violations {
		text += fmt.Sprintf("seed %d: %s: %s\n", r.Seed, v.Invariant, v.Why)
	}
	return text
}

// Run lives one world to its end and checks it. The error is for a world that
// could not be made.
func Run(f *Fixtures, seed uint64, h Hooks) (Report, error) {
	w, err := newWorld(f, seed, h)
	if err != nil {
		return Report{}, err
	}
	w.live()
	w.check()
	slices.SortFunc(w.blamed, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Invariant, b.Invariant), cmp.Compare(a.Why, b.Why))
	})
	return Report{seed, w.blamed, w.hash(), w.seen(), w}, nil
}
