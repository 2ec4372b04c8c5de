package commit_test

import (
	"bytes"
	"encoding/binary"
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

var (
	numbers = []byte("tickets") // buckets of the store whose records stand for themselves
	other   = []byte("targets")
)

// disk is a store whose writes a test watches or breaks. One write at a time gets
// through, so that a copy that a hook makes is of one moment.
type disk struct {
	*bolt.File
	mu       sync.Mutex
	at       func(step string) // called around every write
	appends  atomic.Pointer[error]
	updates  atomic.Pointer[error]
	appended func(ops []journal.Op) // called when a group is on disk
}

func (d *disk) step(name string) {
	if d.at != nil {
		d.at(name)
	}
}

func (d *disk) Append(ops []journal.Op) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.step("before an append")
	if err := d.appends.Load(); err != nil {
		return *err
	}
	err := d.File.Append(ops)
	if err == nil && d.appended != nil {
		d.appended(ops)
	}
	d.step("after an append")
	return err
}

func (d *disk) Update(change func(*bbolt.Tx) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.step("before a checkpoint")
	if err := d.updates.Load(); err != nil {
		return *err
	}
	err := d.File.Update(change)
	d.step("after a checkpoint")
	return err
}

func open(t testing.TB, dir string) *disk {
	t.Helper()
	file, err := bolt.OpenFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &disk{File: file}
}

// writer opens a writer and closes it before its file.
func writer(t testing.TB, d *disk) *commit.Writer {
	t.Helper()
	w := commit.New(d)
	t.Cleanup(w.Close)
	return w
}

func number(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func toInt(stored []byte) int {
	if v := dbfile.Unseal(stored); len(v) == 8 {
		return int(binary.BigEndian.Uint64(v))
	}
	return 0
}

// seal is what the store keeps for a value, with the checksum that a start looks at.
func seal(bucket, key, value []byte) []byte { return dbfile.NewSeal(string(bucket)).Close(key, value) }

func put(key string, n int) func(commit.Tx) error {
	return func(tx commit.Tx) error { return tx.Put(numbers, []byte(key), seal(numbers, []byte(key), number(n))) }
}

// putOther puts bytes beside the numbers.
func putOther(n, size int) func(commit.Tx) error {
	return func(tx commit.Tx) error { return tx.Put(other, number(n), seal(other, number(n), make([]byte, size))) }
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get reads a number by a view.
func get(t testing.TB, w *commit.Writer, key string) (n int) {
	t.Helper()
	must(t, w.View(func(r commit.Reader) error { n = toInt(r.Get(numbers, []byte(key))); return nil }))
	return n
}

// scanned reads a number by a scan.
func scanned(t testing.TB, w *commit.Writer, key string) (n int) {
	t.Helper()
	must(t, w.Scan(func(tx *bbolt.Tx) error { n = toInt(tx.Bucket(numbers).Get([]byte(key))); return nil }))
	return n
}

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
	const keys, rounds = 4, 250
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
	for i, c := range crashes {
		var before int
		for round := range 3 { // a start that is cut off as well changes nothing
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
