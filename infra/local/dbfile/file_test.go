package dbfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// openWorld opens a file that has records.
func openWorld(t *testing.T) *File {
	t.Helper()
	f, err := Open(newWorld(t, 5, 30).path, Write)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func write(f *File) error {
	return f.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("events")).Put([]byte("k"), []byte("v")) })
}

func readAll(f *File) error {
	return f.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return b.ForEach(func(k, v []byte) error { return nil }) })
	})
}

// soon fails the test if something does not end: a lock that is kept hangs for ever.
func soon(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not end", what)
	}
}

func TestAPanicInATransactionIsAnErrorOfThatTransactionOnly(t *testing.T) {
	f := openWorld(t)
	for _, run := range []func(func(*bbolt.Tx) error) error{f.View, f.Update} {
		err := run(func(*bbolt.Tx) error { panic("page 7 already freed") })
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), f.Path()) || !strings.Contains(err.Error(), "page 7") {
			t.Errorf("the panic became %v", err)
		}
	}
	soon(t, "the next transaction", func() {
		if err := errors.Join(write(f), readAll(f)); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
	refused := errors.New("refused")
	if err := f.Update(func(*bbolt.Tx) error { return refused }); err != refused {
		t.Errorf("a transaction's own error became %v", err)
	}
	if _, err := f.Written(); err != nil {
		t.Errorf("it counts as a failure to write: %v", err)
	}
}

// TestDamageWhileOpenIsAnError writes over an open file, whose pages bbolt sees at
// once, and cuts it off, which makes reading it fault.
func TestDamageWhileOpenIsAnError(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(*os.File) error
		gone bool // nothing works any more
	}{
		{"the pages that name the state", func(f *os.File) error { _, err := f.WriteAt(make([]byte, 8192), 0); return err }, true},
		{"all but those", func(f *os.File) error {
			info, err := f.Stat()
			_, err2 := f.WriteAt(make([]byte, info.Size()-8192), 8192)
			return errors.Join(err, err2)
		}, false},
		{"cut off to nothing", func(f *os.File) error { return f.Truncate(0) }, true},
		{"cut off in the middle", func(f *os.File) error { return f.Truncate(16384) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := openWorld(t)
			stop, started := make(chan struct{}), make(chan struct{}, 64)
			var users sync.WaitGroup
			var failed atomic.Int64
			for range 8 {
				users.Go(func() {
					for n := 0; ; n++ {
						if readAll(f) != nil {
							failed.Add(1)
						}
						if n == 3 {
							started <- struct{}{}
						}
						select {
						case <-stop:
							return
						default:
						}
					}
				})
			}
			for range 8 {
				<-started
			}
			disk, err := os.OpenFile(f.Path(), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(c.harm(disk), disk.Close()); err != nil {
				t.Fatal(err)
			}
			soon(t, "the readers", func() {
				for failed.Load() == 0 {
					if readAll(f) != nil {
						failed.Add(1)
					}
				}
				close(stop)
				users.Wait()
			})
			soon(t, "a write", func() {
				if err := write(f); err == nil || !strings.Contains(err.Error(), f.Path()) {
					t.Errorf("a write: %v", err)
				}
			})
			if c.gone {
				if err := f.Look(); err == nil {
					t.Error("the file is said to be well")
				}
			}
			soon(t, "Close", func() { f.Close() })
		})
	}
}

func TestAFileThatIsNotInItsPlaceTakesNothing(t *testing.T) {
	for _, c := range []struct {
		name, want string
		away       func(path string) error
		back       func(path string) error // nil: there is no way back
	}{
		{"deleted", "is gone", os.Remove, nil},
		{"moved away", "is gone", func(p string) error { return os.Rename(p, p+".away") }, func(p string) error { return os.Rename(p+".away", p) }},
		{"replaced", "replaced", func(p string) error {
			text, err := os.ReadFile(p)
			return errors.Join(err, os.Remove(p), os.WriteFile(p, text, 0o600))
		}, nil},
		{"with its directory", "is gone", func(p string) error { return os.RemoveAll(filepath.Dir(p)) }, nil},
		{"cut off", "cut off", func(p string) error { return os.Truncate(p, 100_000) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := openWorld(t)
			if err := errors.Join(write(f), f.Look()); err != nil {
				t.Fatal(err)
			}
			if err := c.away(f.Path()); err != nil {
				t.Fatal(err)
			}
			// The first write finds out by itself, before anybody has looked.
			if err := write(f); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("a write: %v; want %q", err, c.want)
			}
			ran := false
			if err := f.Update(func(*bbolt.Tx) error { ran = true; return nil }); err == nil || ran {
				t.Errorf("the next write: %v, begun %v", err, ran)
			}
			if c.want != "cut off" {
				if err := readAll(f); err != nil {
					t.Errorf("what was written can no longer be read: %v", err)
				}
			}
			if c.back == nil {
				return
			}
			if err := errors.Join(c.back(f.Path()), f.Look(), write(f)); err != nil {
				t.Errorf("back in its place: %v", err)
			}
		})
	}
}

func TestAFileThatGrowsIsNotCutOff(t *testing.T) {
	f := openWorld(t)
	var looking sync.WaitGroup
	stop := make(chan struct{})
	looking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := f.Look(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for n := range 30 {
		if err := f.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("events")).Put(fmt.Appendf(nil, "grow-%d", n), make([]byte, 200_000))
		}); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	looking.Wait()
}

func TestAnOpenFileIsExaminedAsOfOneMoment(t *testing.T) {
	f := openWorld(t)
	var writing sync.WaitGroup
	stop := make(chan struct{})
	writing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := f.Update(func(tx *bbolt.Tx) error {
				key := fmt.Appendf(nil, "moment-%05d", n)
				a, b := tx.Bucket([]byte("events")), tx.Bucket([]byte("waits"))
				return errors.Join(a.Put(key, NewSeal("events").Close(key, key)), b.Put(key, NewSeal("waits").Close(key, key)),
					a.Delete(fmt.Appendf(nil, "moment-%05d", n-20)), b.Delete(fmt.Appendf(nil, "moment-%05d", n-20)))
			}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 20 {
		count := map[string]int{}
		e, err := f.Examine(Contents{Bucket: func(string, uint64) {}, Record: func(r Record) {
			if _, err := NewSeal(r.Bucket).Open(r.Key, r.Value); err != nil {
				t.Errorf("%s %q: %v", r.Bucket, r.Key, err)
			}
			if strings.HasPrefix(string(r.Key), "moment-") {
				count[r.Bucket]++
			}
		}})
		if err != nil || len(e.Broken) > 0 || count["events"] != count["waits"] {
			t.Fatalf("%v %v %v", err, e, count)
		}
	}
	close(stop)
	writing.Wait()
}
