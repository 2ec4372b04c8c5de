package bolt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/infra/local/journal"
)

// OpenRead opens the store in dir for reading only and says what is wrong with it; it
// writes nothing there. Where the structure is damaged, or the journal holds writes
// that the store lacks, they are read from a copy in the directory for temporary files.
func OpenRead(dir string) (*File, *Report, error) {
	path, err := present(dir)
	if err != nil {
		return nil, nil, err
	}
	read, err := dbfile.Open(path, dbfile.Read)
	if err != nil {
		return nil, nil, explainOpen(dir, path, err)
	}
	report, err := examine(read)
	if err != nil {
		return nil, nil, errors.Join(explain(path, err), read.Close())
	}
	f := &File{File: read}
	if err := f.readJournal(dir, report); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	f.know(report.Findings, report.Count)
	report.Findings, report.Count = f.Damage.Known()
	return f, report, nil
}

// readJournal puts a copy, with all that can be read and with what the journal holds,
// in the place of a file that cannot be read as it is.
func (f *File) readJournal(dir string, report *Report) error {
	found, err := journal.Read(filepath.Join(dir, JournalName))
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, JournalName), unwrapPath(err))
	}
	if report.broken {
		err = f.copyTo(func(copied string) error {
			_, err := f.Rebuild(report.exam, copied, newSurvey(report.layout).keeping())
			return err
		})
	}
	if err != nil {
		return err
	}
	beside, err := besideID(dir)
	if err != nil {
		return err
	}
	r, err := f.weigh(found, beside, report.broken)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	f.lost = r.lost
	report.Notes = append(report.Notes, r.notes...)
	if len(r.pending.Ops) == 0 {
		return nil
	}
	if f.copied == "" {
		path := f.Path()
		if err := f.copyTo(func(copied string) error { return copyFile(path, copied) }); err != nil {
			return err
		}
	}
	if err := f.Update(func(tx *bbolt.Tx) error { return commit.Apply(tx, r.pending.Ops, f.Scattered) }); err != nil {
		return err
	}
	if report.broken {
		return nil // what is wrong with the store was found before the copy was made
	}
	notes := report.Notes
	again, err := examine(f.File)
	if err == nil {
		*report = *again
		report.Notes = append(notes, report.Notes...)
	}
	return err
}

// copyTo opens a copy of the file for writing in its place.
func (f *File) copyTo(make func(copied string) error) (err error) {
	path := f.Path()
	if f.copied, err = os.MkdirTemp("", "opsguard-"); err == nil {
		copied := filepath.Join(f.copied, FileName)
		err = make(copied)
		if err = errors.Join(err, f.File.Close()); err == nil {
			err = f.openCopy(copied)
		}
	}
	if err != nil {
		return fmt.Errorf("copy what can be read of %s: %w", path, unwrapPath(err))
	}
	return nil
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// openCopy opens a copy that was just made, and makes the buckets that are missing in
// it: small ones lie on the page that leads to all, and are lost with it.
func (f *File) openCopy(path string) (err error) {
	if f.File, err = dbfile.Open(path, dbfile.Write); err != nil {
		return err
	}
	_, err = f.prepare()
	return err
}

// present returns the path of the store in dir, if there is one.
func present(dir string) (string, error) {
	path := filepath.Join(dir, FileName)
	switch fresh, err := absent(path); {
	case err != nil:
		return "", explainOpen(dir, path, err)
	case !fresh:
		return path, nil
	}
	if trace := traceOfUse(dir); trace != "" {
		return "", vanished(dir, path, trace)
	}
	return "", fmt.Errorf("there is no store in %s", dir)
}

// Check reads an open store through, also while it is written to, and keeps in mind
// what is wrong.
func (f *File) Check() (*Report, error) {
	if f.flush != nil {
		_ = f.flush() // else what the file has can be read all the same
	}
	r, err := examine(f.File)
	if err != nil {
		return nil, explain(f.Path(), err)
	}
	f.know(r.Findings, r.Count)
	r.Findings, r.Count = f.Damage.Known()
	return r, nil
}

// Check reads the store in dir through with its journal, and writes nothing there.
func Check(dir string) (*Report, error) {
	f, r, err := OpenRead(dir)
	if err != nil {
		return nil, err
	}
	return r, f.Close()
}
