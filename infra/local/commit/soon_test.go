package commit_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/journal"
)

// patience bounds a wait for something that comes within milliseconds.
const patience = 30 * time.Second

// soon asks for a write that nobody waits for.
func soon(t testing.TB, w *commit.Writer, key string, n int) (told chan error) {
	t.Helper()
	told = make(chan error, 1000)
	must(t, w.Soon(put(key, n), func(err error) { told <- err }))
	return told
}

func hear(t testing.TB, told chan error) error {
	t.Helper()
	select {
	case err := <-told:
		return err
	case <-time.After(patience):
		t.Fatal("nothing was told")
		return nil
	}
}

func TestAWriteNobodyWaitsForIsOnDiskByItself(t *testing.T) {
	w := writer(t, open(t, t.TempDir()))
	must(t, hear(t, soon(t, w, "a", 1)))
	if got := get(t, w, "a"); got != 1 {
		t.Errorf("it is %d", got)
	}
}

func TestAWriteNobodyWaitsForSharesTheNextSync(t *testing.T) {
	d := open(t, t.TempDir())
	groups := 0
	d.appended = func([]journal.Op) { groups++ }
	w := writer(t, d)
	told := soon(t, w, "n", 1)
	must(t, w.Do(func(tx commit.Tx) error {
		if got := toInt(tx.Get(numbers, []byte("n"))); got != 1 {
			t.Errorf("what was asked for before is not seen: %d", got)
		}
		return put("n", 2)(tx)
	}))
	must(t, hear(t, told))
	if got := get(t, w, "n"); got != 2 {
		t.Errorf("n is %d, want the last", got)
	}
	w.Close()
	if groups > 2 { // one, unless this test was held up for longer than company
		t.Errorf("%d syncs for two writes", groups)
	}
}

func TestCloseWritesWhatNobodyWaitsFor(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	w := writer(t, d)
	soon(t, w, "a", 1)
	w.Close()
	must(t, d.Close())
	if got := get(t, writer(t, open(t, dir)), "a"); got != 1 {
		t.Errorf("it is %d", got)
	}
	if err := w.Soon(put("a", 2), func(error) {}); !errors.Is(err, commit.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestNothingPassesAWriteThatWasAskedForBefore: a crash at any step leaves the writes up
// to one moment, whether or not somebody waited for them.
func TestNothingPassesAWriteThatWasAskedForBefore(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	var crashes []string
	d.at = func(string) { crashes = append(crashes, copied(t, dir)) }
	w := writer(t, d)
	const last = 24
	for n := 1; n <= last; n++ {
		if n%4 == 0 {
			must(t, w.Do(put(fmt.Sprint(n), n)))
			continue
		}
		soon(t, w, fmt.Sprint(n), n)
		if n == 10 {
			must(t, w.Flush())
		}
	}
	w.Close()
	d.mu.Lock()
	d.at = nil
	d.mu.Unlock()
	for i, crash := range crashes {
		w := writer(t, open(t, crash))
		ended := false
		for n := 1; n <= last; n++ {
			there := get(t, w, fmt.Sprint(n)) == n
			if there && ended {
				t.Errorf("crash %d: write %d is there, and one before it is not", i, n)
			}
			ended = ended || !there
		}
	}
}

// TestNothingPassesAWriteThatTheDiskRefused: while it cannot be written, nothing can,
// and afterwards all is in order.
func TestNothingPassesAWriteThatTheDiskRefused(t *testing.T) {
	d := open(t, t.TempDir())
	var order []string
	d.appended = func(ops []journal.Op) {
		for _, op := range ops {
			order = append(order, string(op.Key))
		}
	}
	w := writer(t, d)
	full := errors.New("no space left on device")
	d.appends.Store(&full)
	first := soon(t, w, "first", 1)
	for range 2 {
		if err := w.Do(put("refused", 1)); !errors.Is(err, full) {
			t.Errorf("a write behind one that cannot be written: %v", err)
		}
		if err := hear(t, first); !errors.Is(err, full) {
			t.Errorf("told %v", err)
		}
	}
	second := soon(t, w, "second", 2)
	d.appends.Store(nil)
	must(t, w.Do(put("third", 3)))
	for _, told := range []chan error{first, second} {
		for hear(t, told) != nil { // it was tried in between
		}
	}
	if got := get(t, w, "first") + get(t, w, "second") + get(t, w, "third") + get(t, w, "refused"); got != 6 {
		t.Errorf("first, second, third are 1, 2, 3 and nothing else: %d", got)
	}
	w.Close()
	if fmt.Sprint(order) != "[first second third]" {
		t.Errorf("on disk in the order %v", order)
	}
}
