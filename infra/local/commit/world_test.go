package commit_test

import (
	"encoding/binary"
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
