package dbfile

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Failure says that the store as a whole cannot be used. What is fit to be shown
// to anybody; the rest is for the log.
type Failure struct {
	Path string
	What string
	Err  error // nil where What says all
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Path + ": " + f.What
	}
	return f.Path + ": " + f.What + ": " + f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }

// Access is how a file is opened.
type Access int

const (
	Read  Access = iota // beside others that read
	Write               // by one process alone; the file is made if it is not there
)

// ErrInUse means that another process has the file open.
var ErrInUse = errors.New("it is in use")

// File is an open bbolt file. Its methods may be called by any number of
// goroutines.
type File struct {
	path   string
	access Access
	log    *slog.Logger
	db     *bbolt.DB
	disk   *os.File    // the one that db has open
	is     os.FileInfo // which file that is

	size    atomic.Int64              // the file was seen this long; it never gets shorter
	failed  atomic.Pointer[Failure]   // for good
	away    atomic.Pointer[Failure]   // as long as it lasts
	refused atomic.Pointer[Failure]   // why the last transaction could not be written; nil: it was
	written atomic.Pointer[time.Time] // when one was written last
}

// Open opens a file. One that is not empty must have been examined: see Examine.
func Open(path string, access Access) (*File, error) {
	f := &File{path: path, access: access, log: slog.New(slog.DiscardHandler)}
	err := f.open()
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = ErrInUse
	}
	if err != nil {
		return nil, err
	}
	if f.is, err = f.disk.Stat(); err == nil {
		f.size.Store(f.is.Size())
		err = f.Look()
	}
	if err != nil {
		return nil, errors.Join(err, f.db.Close())
	}
	return f, nil
}

func (f *File) open() (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = f.failure("it cannot be opened", p)
		}
	}()
	f.db, err = bbolt.Open(f.path, 0o600, &bbolt.Options{
		Timeout: lockPatience, FreelistType: bbolt.FreelistMapType, ReadOnly: f.access == Read,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f.disk, err = os.OpenFile(name, flag, mode)
			return f.disk, err
		},
	})
	return err
}

// LogTo says where panics are reported with their stacks. It is called before the
// file is used.
func (f *File) LogTo(log *slog.Logger) { f.log = log }

// Path returns where the file was opened.
func (f *File) Path() string { return f.path }

// Examine reads the whole file, checks its structure and tells what it holds: also
// while this process writes to it.
func (f *File) Examine(c Contents) (e *Examination, err error) {
	if f.access == Read {
		return Examine(f.disk, f.is.Size(), c)
	}
	err = f.View(func(tx *bbolt.Tx) error {
		pageSize := f.db.Info().PageSize
		m := meta{pageSize: pageSize, root: uint64(tx.Cursor().Bucket().Root()), high: uint64(tx.Size()) / uint64(pageSize)}
		e, err = examineLive(f.disk, m, c)
		return err
	})
	return e, err
}

// Find returns a value of a file that has not been examined yet, nil if it cannot
// be found.
func (f *File) Find(bucket, key string) []byte { return find(f.disk, f.is.Size(), bucket, key) }

// Rebuild copies what can be read of an examined file into a new one: see Rebuild.
func (f *File) Rebuild(e *Examination, to string, keep Keep) (Loss, error) {
	return Rebuild(f.disk, e, to, keep)
}

// View runs a function in a read transaction. What it reads stays readable when
// the file is deleted or replaced.
func (f *File) View(read func(*bbolt.Tx) error) (err error) {
	if failed := f.failed.Load(); failed != nil {
		return failed
	}
	var tx *bbolt.Tx
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = f.caught(p, tx, "mmaplock", "metalock")
		}
	}()
	return f.db.View(func(begun *bbolt.Tx) error {
		tx = begun
		return read(tx)
	})
}

// Update runs a function in a write transaction. When it returns nil, what was
// written is on disk, in the file that is at the path. When the function returns an
// error, that is returned and nothing was written.
func (f *File) Update(write func(*bbolt.Tx) error) error {
	if away := f.away.Load(); away != nil {
		return away
	}
	var own error
	err := f.update(func(tx *bbolt.Tx) error {
		own = write(tx)
		return own
	})
	if own != nil && errors.Is(err, own) {
		return err
	}
	return f.outcome(err)
}

// errTried rolls a transaction of Try back.
var errTried = errors.New("it was only tried")

// Try runs a function in a write transaction and rolls that back: the function can
// read the file with changes that cannot be written.
func (f *File) Try(change func(*bbolt.Tx) error) error {
	err := f.update(func(tx *bbolt.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return errTried
	})
	if errors.Is(err, errTried) {
		return nil
	}
	return err
}

// outcome records how a commit went. The file is looked for after the commit and
// before anybody is told of it: a file that was deleted meanwhile has swallowed it.
func (f *File) outcome(err error) error {
	var caught *Failure
	switch {
	case errors.As(err, &caught):
		return caught // says nothing about the next one
	case err != nil:
		refused := &Failure{f.path, "the store cannot be written to", err}
		f.refused.Store(refused)
		return refused
	}
	if err := f.Look(); err != nil {
		return err
	}
	now := time.Now()
	f.refused.Store(nil)
	f.written.Store(&now)
	return nil
}

func (f *File) update(write func(*bbolt.Tx) error) (err error) {
	if failed := f.failed.Load(); failed != nil {
		return failed
	}
	var tx *bbolt.Tx
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = f.caught(p, tx, "rwlock")
		}
	}()
	return f.db.Update(func(begun *bbolt.Tx) error {
		tx = begun
		return write(tx)
	})
}

// Written returns when a transaction was written last, and why the one after it
// could not be; nil if there was none.
func (f *File) Written() (at time.Time, refused error) {
	if t := f.written.Load(); t != nil {
		at = *t
	}
	if r := f.refused.Load(); r != nil {
		return at, r
	}
	return at, nil
}

// Look looks whether the file is still the one at its path and as long as it was.
// While it is not, nothing is written. A file that got shorter has lost data: it is
// not used again.
func (f *File) Look() error {
	if failed := f.failed.Load(); failed != nil {
		return failed
	}
	least := f.size.Load() // before the look, since the file may grow meanwhile
	size, away := SizeAt(f.path, f.is, "file")
	switch {
	case away != nil:
	case size < least:
		return f.fail(&Failure{f.path, "the store's file was cut off", fmt.Errorf("it is %d bytes long and was %d", size, least)})
	case size > least:
		f.size.CompareAndSwap(least, size)
	}
	if f.away.Store(away); away != nil {
		return away
	}
	return nil
}

// SizeAt looks whether a file that is open is still the one at its path, and returns its
// size. what is what of the store it is, for people.
func SizeAt(path string, is os.FileInfo, what string) (int64, *Failure) {
	now, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return 0, &Failure{path, "the store's " + what + " is gone", nil}
	case err != nil:
		return 0, &Failure{path, "the store's " + what + " cannot be looked at", errors.Unwrap(err)}
	case !os.SameFile(now, is):
		return 0, &Failure{path, "the store's " + what + " was replaced by another one", nil}
	}
	return now.Size(), nil
}

// Descriptor tells how this process can still read its file after it was deleted,
// on Linux.
func (f *File) Descriptor() string { return Descriptor(f.disk) }

// Descriptor is File.Descriptor of another file.
func Descriptor(file *os.File) string {
	return filepath.Join("/proc", fmt.Sprint(os.Getpid()), "fd", fmt.Sprint(file.Fd()))
}

// closePatience bounds the wait for transactions that may never end, because the
// file failed under them.
const closePatience = time.Second

// Close closes the file when its transactions have ended.
func (f *File) Close() error {
	if f.failed.Load() == nil {
		return f.db.Close()
	}
	closed := make(chan error, 1)
	go func() { closed <- f.db.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closePatience):
		return f.failed.Load()
	}
}
