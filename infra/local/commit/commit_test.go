package commit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/infra/local/journal"
)

func TestAMemberThatFailsWritesNothingAndCostsTheOthersNothing(t *testing.T) {
	for name, bad := range map[string]struct {
		write func(commit.Tx) error
	}{
		"an error": {func(tx commit.Tx) error {
			return errors.Join(put("a", 9)(tx), put("bad", 9)(tx), tx.Count(numbers),
				tx.Delete(numbers, []byte("b")), errors.New("refused"))
		}},
		"a panic": {func(tx commit.Tx) error {
			if err := put("a", 9)(tx); err != nil {
				return err
			}
			panic("in a member")
		}},
		"a key that bbolt refuses": {func(tx commit.Tx) error {
			return errors.Join(put("a", 9)(tx), tx.Put(numbers, bytes.Repeat([]byte("k"), bbolt.MaxKeySize+1), nil))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := open(t, dir)
			w := writer(t, d)
			var group sync.WaitGroup
			for n := range 50 {
				group.Go(func() {
					if err := w.Do(bad.write); err == nil {
						t.Error("it was not refused")
					}
				})
				group.Go(func() {
					if err := w.Do(func(tx commit.Tx) error {
						if err := tx.Count(numbers); err != nil {
							return err
						}
						sum := toInt(tx.Get(numbers, []byte("a"))) + 1
						return errors.Join(put("a", sum)(tx), put(fmt.Sprint("b", n), n+1)(tx))
					}); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			look := func(w *commit.Writer) {
				t.Helper()
				if got := get(t, w, "a"); got != 50 {
					t.Errorf("50 added one each, and it is %d", got)
				}
				for n := range 50 {
					if got := scanned(t, w, fmt.Sprint("b", n)); got != n+1 {
						t.Errorf("b%d is %d", n, got)
					}
				}
				if got := get(t, w, "bad"); got != 0 {
					t.Error("what a refused member wrote is there")
				}
				must(t, w.Scan(func(tx *bbolt.Tx) error {
					if n := tx.Bucket(numbers).Sequence(); n != 50 {
						t.Errorf("50 counted, and the sequence is %d", n)
					}
					return nil
				}))
			}
			look(w)
			w.Close()
			must(t, d.Close())
			look(writer(t, open(t, dir)))
		})
	}
}

// TestReadersSeeWhatWasAnsweredAndNothingThatIsNotOnDisk: writers raise numbers, two
// records in one write, while others read records and ranges, and checkpoints come and
// go. A reader misses nothing that was answered before, sees nothing that is not on
// disk, never sees a number go back, and sees both records of a write or none.
func TestReadersSeeWhatWasAnsweredAndNothingThatIsNotOnDisk(t *testing.T) {
	const keys, rounds = 4, 80
	d := open(t, t.TempDir())
	var durable, answered [keys]atomic.Int64
	d.appended = func(ops []journal.Op) {
		for _, op := range ops {
			if op.Bucket == string(numbers) {
				durable[op.Key[0]-'0'].Store(int64(toInt(op.Value)))
			}
		}
	}
	w := writer(t, d)
	var writing, reading sync.WaitGroup
	for k := range keys {
		key := []byte{'0' + byte(k)}
		writing.Go(func() {
			for n := 1; n <= rounds; n++ {
				if err := w.Do(func(tx commit.Tx) error {
					if had := toInt(tx.Get(numbers, key)); had != n-1 {
						return fmt.Errorf("key %d is %d before it is made %d", k, had, n)
					}
					return errors.Join(tx.Put(numbers, key, seal(numbers, key, number(n))), tx.Put(other, key, seal(other, key, number(n))))
				}); err != nil {
					t.Error(err)
					return
				}
				answered[k].Store(int64(n))
			}
		})
	}
	var done atomic.Bool
	reader := func(read func(k int, found func(a, b []byte)) error) {
		var last [keys]int64
		for k := 0; !done.Load(); k = (k + 1) % keys {
			least := answered[k].Load()
			var a, b int64
			if err := read(k, func(x, y []byte) { a, b = int64(toInt(x)), int64(toInt(y)) }); err != nil {
				t.Error(err)
				return
			}
			if most := durable[k].Load(); a < least || a > most || a != b || a < last[k] {
				t.Errorf("key %d is %d and %d; %d was answered, %d is on disk, %d was seen before", k, a, b, least, most, last[k])
				return
			}
			last[k] = a
		}
	}
	for range 2 {
		reading.Go(func() {
			reader(func(k int, found func(a, b []byte)) error {
				key := []byte{'0' + byte(k)}
				return w.View(func(r commit.Reader) error { found(r.Get(numbers, key), r.Get(other, key)); return nil })
			})
		})
		reading.Go(func() {
			reader(func(k int, found func(a, b []byte)) error {
				key := []byte{'0' + byte(k)}
				return w.Scan(func(tx *bbolt.Tx) error { found(tx.Bucket(numbers).Get(key), tx.Bucket(other).Get(key)); return nil })
			})
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
}

func TestAGroupThatIsNotOnDiskIsSeenByNobody(t *testing.T) {
	d := open(t, t.TempDir())
	w := writer(t, d)
	must(t, w.Do(put("a", 1)))
	full := errors.New("input/output error")
	d.appends.Store(&full)
	for range 3 {
		if err := w.Do(func(tx commit.Tx) error {
			return errors.Join(put("a", 2)(tx), put("b", 2)(tx), tx.Count(numbers))
		}); !errors.Is(err, full) {
			t.Fatalf("it was answered %v", err)
		}
		if a, b := get(t, w, "a"), scanned(t, w, "b"); a != 1 || b != 0 {
			t.Errorf("a is %d, b is %d", a, b)
		}
	}
	d.appends.Store(nil)
	must(t, w.Do(func(tx commit.Tx) error {
		if a := toInt(tx.Get(numbers, []byte("a"))); a != 1 {
			t.Errorf("the next member sees %d", a)
		}
		return put("a", 3)(tx)
	}))
	if a := get(t, w, "a"); a != 3 {
		t.Errorf("a is %d", a)
	}
}

func TestAGroupLargerThanTheJournalIsWrittenAtOnce(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	w := writer(t, d)
	must(t, w.Do(put("a", 1)))
	must(t, w.Do(func(tx commit.Tx) error {
		if err := put("a", toInt(tx.Get(numbers, []byte("a")))+1)(tx); err != nil {
			return err
		}
		for i := range 6 {
			if err := putOther(i, 1<<20)(tx); err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, w.Do(put("b", get(t, w, "a"))))
	crashed := copied(t, dir)
	for _, w := range []*commit.Writer{w, writer(t, open(t, crashed))} {
		if a, b := get(t, w, "a"), get(t, w, "b"); a != 2 || b != 2 {
			t.Errorf("a is %d, b is %d", a, b)
		}
		must(t, w.View(func(r commit.Reader) error {
			if n := len(dbfile.Unseal(r.Get(other, number(5)))); n != 1<<20 {
				t.Errorf("the last value has %d bytes", n)
			}
			return nil
		}))
	}
}

// TestManyLargeGroupsGoRoundTheJournal: more than both halves hold, by many writers.
func TestManyLargeGroupsGoRoundTheJournal(t *testing.T) {
	dir := t.TempDir()
	w := writer(t, open(t, dir))
	var writing sync.WaitGroup
	for k := range 8 {
		writing.Go(func() {
			for n := 1; n <= 20; n++ {
				if err := w.Do(func(tx commit.Tx) error {
					return errors.Join(put(fmt.Sprint(k), n)(tx), putOther(100*k+n, 200<<10)(tx))
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	crashed := writer(t, open(t, copied(t, dir)))
	for k := range 8 {
		if got, again := get(t, w, fmt.Sprint(k)), get(t, crashed, fmt.Sprint(k)); got != 20 || again != 20 {
			t.Errorf("%d is %d, and %d after a crash", k, got, again)
		}
	}
}

func TestAWriterThatIsClosedSaysSo(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	w := commit.New(d)
	must(t, w.Do(put("a", 1)))
	w.Close()
	w.Close()
	for _, err := range []error{w.Do(put("a", 2)), w.Update(func(*bbolt.Tx) error { return nil })} {
		if !errors.Is(err, commit.ErrClosed) {
			t.Errorf("%v", err)
		}
	}
	must(t, d.Close())
	if _, err := os.Stat(filepath.Join(dir, bolt.JournalName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a store that was closed needs no journal: %v", err)
	}
}
