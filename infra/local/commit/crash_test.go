package commit_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
)

// TestAFileThatCannotBeWrittenLosesNothing: groups go on while the journal has room,
// and are refused then. Everything can be read all the time, and once the file can be
// written, all goes on by itself.
func TestAFileThatCannotBeWrittenLosesNothing(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	w := writer(t, d)
	full := errors.New("no space left on device")
	d.updates.Store(&full)
	n := 0
	write := func() error {
		err := w.Do(func(tx commit.Tx) error {
			return errors.Join(put(fmt.Sprint(n+1), n+1)(tx), putOther(n+1, 100<<10)(tx))
		})
		if err == nil {
			n++
		}
		return err
	}
	var err error
	for err == nil && n < 1000 {
		if err = write(); n == 20 {
			if got := scanned(t, w, "20"); got != 20 {
				t.Errorf("a range misses what the file cannot take: %d", got)
			}
		}
	}
	if !errors.Is(err, full) || n < 60 {
		t.Fatalf("after %d groups: %v", n, err)
	}
	look := func(w *commit.Writer) {
		t.Helper()
		for i := 1; i <= n; i++ {
			if got := get(t, w, fmt.Sprint(i)); got != i {
				t.Fatalf("%d is %d", i, got)
			}
		}
		if got := scanned(t, w, fmt.Sprint(n)); got != n {
			t.Errorf("a range misses %d: %d", n, got)
		}
	}
	look(w)
	if err := w.Update(func(*bbolt.Tx) error { return nil }); !errors.Is(err, full) {
		t.Errorf("a change of ranges: %v", err)
	}
	crashed := copied(t, dir)
	look(writer(t, open(t, crashed)))
	d.updates.Store(nil)
	must(t, write())
	look(w)
	w.Close()
	must(t, d.Close())
	look(writer(t, open(t, dir)))
}

// copied copies a data directory as a crash would leave it.
func copied(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	must(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

// TestACrashAtAnyStepLosesNothingThatWasAnswered copies both files before and after
// every append and every checkpoint, and opens the copies.
func TestACrashAtAnyStepLosesNothingThatWasAnswered(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	type crash struct {
		step, dir string
		answered  int
	}
	var crashes []crash
	answered, asked := 0, 0
	d.at = func(step string) { crashes = append(crashes, crash{step, copied(t, dir), answered}) }
	w := writer(t, d)
	for n := 1; n <= 8; n++ {
		asked = n
		must(t, w.Do(func(tx commit.Tx) error {
			return errors.Join(put("n", n)(tx), put(fmt.Sprint(n), n)(tx), tx.Count(numbers), tx.Delete(numbers, []byte(fmt.Sprint(n-3))))
		}))
		answered = n
		if n%3 == 0 {
			must(t, w.Flush())
		}
		if n == 5 {
			must(t, w.Update(func(tx *bbolt.Tx) error { return tx.Bucket(other).Put(other, seal(other, other, nil)) }))
		}
	}
	w.Close()
	d.mu.Lock()
	d.at = nil
	d.mu.Unlock()
	if len(crashes) < 24 {
		t.Errorf("%d steps: this shows little", len(crashes))
	}
	rounds := 3
	if testing.Short() {
		rounds = 2
	}
	for i, c := range crashes {
		var before int
		for round := range rounds { // a start that is cut off as well changes nothing
			again := copied(t, c.dir)
			file := open(t, c.dir)
			w := writer(t, file)
			n := get(t, w, "n")
			if n < c.answered || n > min(asked, c.answered+1) || round > 0 && n != before {
				t.Fatalf("step %d, %s: the newest is %d, %d were answered", i, c.step, n, c.answered)
			}
			before = n
			for k := 1; k <= asked; k++ {
				want := k
				if k > n || k <= n-3 {
					want = 0
				}
				if got := scanned(t, w, fmt.Sprint(k)); got != want {
					t.Errorf("step %d, %s: %d is %d, want %d", i, c.step, k, got, want)
				}
			}
			must(t, w.Scan(func(tx *bbolt.Tx) error {
				if seq := tx.Bucket(numbers).Sequence(); int(seq) != n {
					t.Errorf("step %d, %s: %d were counted, want %d", i, c.step, seq, n)
				}
				return nil
			}))
			if known, _ := file.Damage.Known(); len(known) > 0 {
				t.Errorf("step %d, %s: %v", i, c.step, known)
			}
			w.Close()
			if round > 0 {
				must(t, file.Close())
				continue
			}
			c.dir = again
		}
	}
}
