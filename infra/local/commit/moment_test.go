package commit_test

import (
	"errors"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
)

// racing has something happen once at a certain point of the next read.
type racing struct {
	*disk
	before, within func() // before the file's transaction begins, and in it
}

func (r *racing) View(read func(*bbolt.Tx) error) error {
	once(&r.before)
	return r.disk.View(func(tx *bbolt.Tx) error {
		once(&r.within)
		return read(tx)
	})
}

func once(f *func()) {
	if do := *f; do != nil {
		*f = nil
		do()
	}
}

// TestACheckpointInTheMiddleOfAReadDoesNotMixTwoMoments has a write and its checkpoint
// happen between a reader's look at memory and its look at the file, in both ways.
func TestACheckpointInTheMiddleOfAReadDoesNotMixTwoMoments(t *testing.T) {
	for _, within := range []bool{false, true} {
		d := &racing{disk: open(t, t.TempDir())}
		w := commit.New(d)
		t.Cleanup(w.Close)
		for _, size := range []int{300 << 10, 0, 1} { // makes free pages: a file that has to grow waits for its readers
			must(t, w.Do(putOther(1, size)))
			must(t, w.Flush())
		}
		must(t, w.Do(put("a", 1)))
		happen := func() {
			must(t, w.Do(func(tx commit.Tx) error { return errors.Join(put("a", 2)(tx), put("b", 2)(tx)) }))
			must(t, w.Flush())
		}
		if within {
			d.within = happen
		} else {
			d.before = happen
		}
		var a, b int
		must(t, w.View(func(r commit.Reader) error {
			a, b = toInt(r.Get(numbers, []byte("a"))), toInt(r.Get(numbers, []byte("b")))
			return nil
		}))
		if !(a == 1 && b == 0 || a == 2 && b == 2) {
			t.Errorf("within the file's transaction: %v: a reader saw %d and %d, which never stood together", within, a, b)
		}
	}
}

// Recent knows what was written lately while it is in memory, and not what is in the file
// or was deleted.
func TestRecentKnowsWhatIsInMemory(t *testing.T) {
	w := writer(t, open(t, t.TempDir()))
	recent := func(want bool, when string) {
		t.Helper()
		if got := w.Recent(numbers, []byte("a")); got != want {
			t.Errorf("%s: %v", when, got)
		}
	}
	recent(false, "before")
	failed := errors.New("not written")
	if err := w.Do(func(tx commit.Tx) error { return errors.Join(put("a", 1)(tx), failed) }); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	recent(false, "after a write that failed")
	must(t, w.Do(put("a", 1)))
	recent(true, "after a write")
	must(t, w.Do(func(tx commit.Tx) error { return tx.Delete(numbers, []byte("a")) }))
	recent(false, "after a deletion")
	must(t, w.Do(put("a", 2)))
	must(t, w.Flush())
	recent(false, "in the file")
}
