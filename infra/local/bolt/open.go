package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/infra/local/journal"
)

// File is an open store with what is known to be wrong with it.
type File struct {
	*dbfile.File
	Damage Damage
	// Opened tells what happened at the opening that an operator should know.
	Opened []string

	doubt  bool      // the last write may be missing; see beQuiet
	copied string    // a directory to remove with the file
	lost   []Finding // what the journal could not give back at the opening

	flush    func() error              // puts into the file what is in the journal; nil: nobody appends
	journal  *journal.Journal          // nil: the file is only read, or was closed
	refused  atomic.Pointer[error]     // why the last group could not be appended; nil: it was
	appended atomic.Pointer[time.Time] // when one was appended last
}

// Close closes the file when its transactions have ended. Where the store has all
// that was written, its file is whole without a journal then.
func (f *File) Close() error {
	err := errors.Join(f.endJournal(), f.File.Close())
	if f.copied != "" {
		err = errors.Join(err, os.RemoveAll(f.copied))
	}
	return err
}

// OpenFile opens the store in dir, or makes both if dir was never in use. It reads
// the store through first and says in words for the operator what is wrong if it
// cannot be opened: in use, unwritable, gone, damaged, or written by a newer
// OpsGuard. A store whose structure is damaged is made again of what can be read; the
// damaged file is kept beside it. Damaged records stay where they are, unless the
// file is made again, and Damage names them.
func OpenFile(dir string) (*File, error) {
	if err := enter(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, FileName)
	fresh, err := absent(path)
	if err != nil {
		return nil, explainOpen(dir, path, err)
	}
	if trace := traceOfUse(dir); fresh && trace != "" {
		return nil, vanished(dir, path, trace)
	}
	return open(dir, path, fresh)
}

// Init makes an empty store in dir, and refuses if there is one.
func Init(dir string) error {
	if err := enter(dir); err != nil {
		return err
	}
	path := filepath.Join(dir, FileName)
	fresh, err := absent(path)
	if err != nil {
		return explainOpen(dir, path, err)
	}
	if !fresh {
		return fmt.Errorf("%s is there, and is not overwritten; to begin with an empty store, move it away first", path)
	}
	if err := os.Remove(filepath.Join(dir, markerName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return unwrapPath(err)
	}
	if _, err := keepJournal(dir); err != nil { // of a store that is gone
		return err
	}
	f, err := open(dir, path, true)
	if err != nil {
		return err
	}
	return f.Close()
}

func enter(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data directory %s: cannot be made or entered: %w; choose another with --data-dir", dir, unwrapPath(err))
	}
	return nil
}

// absent reports whether there is no file, or an empty one.
func absent(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	return err == nil && info.Size() == 0, err
}

func open(dir, path string, fresh bool) (*File, error) {
	f := &File{}
	examined := &Report{layout: schema}
	var err error
	if !fresh {
		if examined, err = f.examine(path); err != nil {
			return nil, err
		}
	}
	if f.File, err = dbfile.Open(path, dbfile.Write); err != nil {
		return nil, explainOpen(dir, path, err)
	}
	if err := f.begin(dir, examined); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, nil
}

// begin makes an opened store ready to be written to.
func (f *File) begin(dir string, examined *Report) error {
	id, err := f.prepare()
	if err != nil {
		return err
	}
	if id, err = f.mark(dir, id); err != nil {
		return err
	}
	r, err := f.replay(dir, id)
	if err != nil {
		return err
	}
	if f.lost = r.lost; len(r.lost) > 0 {
		kept, err := keepJournal(dir)
		if err != nil {
			return err
		}
		if kept != "" {
			r.notes = append(r.notes, "the damaged journal is "+kept)
		}
	}
	f.Opened = append(f.Opened, r.notes...)
	// What was found before the journal's writes were in the store may not be true any more.
	if stale := len(r.pending.Ops) > 0 && (examined.Count > 0 || examined.opened < examined.Incidents); stale || len(r.lost) > 0 {
		if examined, err = examine(f.File); err != nil {
			return err
		}
	}
	if err := f.settleDamage(examined); err != nil {
		return err
	}
	return f.beginJournal(dir, id, r.state)
}

// examine reads an existing file through, and makes it again where that is needed.
func (f *File) examine(path string) (*Report, error) {
	read, err := dbfile.Open(path, dbfile.Read)
	if err != nil {
		return nil, explainOpen(filepath.Dir(path), path, err)
	}
	defer read.Close()
	report, err := examine(read)
	if err != nil {
		return nil, explain(path, err)
	}
	f.Opened = append(f.Opened, report.Notes...)
	f.doubt = report.exam.LastWriteInDoubt
	if !report.broken {
		return report, nil
	}
	kept, err := rebuild(read, report, false)
	if errors.Is(err, errTooMuch) {
		return nil, fmt.Errorf("%s is damaged: %s. Restore it from a backup; or go on with what can be read of it, and keep it: opsguard store salvage. (%w)",
			path, summary(report.Findings), err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is damaged, and a new one could not be made of what can be read: %w", path, unwrapPath(err))
	}
	f.Opened = append(f.Opened, fmt.Sprintf("%s was damaged: %s. It was made again of what could be read; the damaged file is %s", path, summary(report.Findings), kept))
	again, err := dbfile.Open(path, dbfile.Read)
	if err != nil {
		return nil, explainOpen(filepath.Dir(path), path, err)
	}
	defer again.Close()
	if report, err = examine(again); err != nil {
		return nil, explain(path, err)
	}
	return report, nil
}

// settleDamage puts right what can be, and keeps the rest in mind. A store that has
// its checksums only now is examined once more.
func (f *File) settleDamage(r *Report) (err error) {
	if r.layout != schema {
		if r, err = examine(f.File); err != nil {
			return err
		}
	}
	if r.opened < r.Incidents { // the count was on a page that is lost
		if err := f.Update(func(tx *bbolt.Tx) error { return bucketMeta.in(tx).SetSequence(uint64(r.Incidents)) }); err != nil {
			return err
		}
	}
	findings := r.Findings
	if len(findings) > 0 {
		if findings, err = f.heal(findings, time.Now()); err != nil {
			return err
		}
	}
	f.know(findings, r.Count-len(r.Findings)+len(findings))
	return nil
}

// know replaces what is known to be wrong, and keeps what the journal lost: no
// examination of the file shows that.
func (f *File) know(findings []Finding, count int) {
	f.Damage.replace(append(slices.Clone(f.lost), findings...), count+len(f.lost))
}

// summary is the first few findings in one line.
func summary(findings []Finding) string {
	const most = 5
	var told []string
	for _, f := range findings[:min(most, len(findings))] {
		told = append(told, f.String())
	}
	if more := len(findings) - most; more > 0 {
		told = append(told, fmt.Sprintf("%d more", more))
	}
	return strings.Join(told, "; ")
}

// explainOpen says in words for the operator why a store cannot be opened.
func explainOpen(dir, path string, err error) error {
	switch {
	case errors.Is(err, dbfile.ErrInUse):
		return fmt.Errorf("data directory %s is in use by another opsguard; stop that one, or choose another with --data-dir", dir)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s: cannot be opened for writing: permission denied; fix its owner or mode, or choose another directory with --data-dir", path)
	}
	var failed *dbfile.Failure
	if errors.As(err, &failed) {
		return err
	}
	return explain(path, err)
}

// unwrapPath drops the path from an os error, which the message has already.
func unwrapPath(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
