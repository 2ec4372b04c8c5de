package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opsguard/opsguard/infra/local/dbfile"
)

// OpenRead opens the store in dir for reading only and says what is wrong with it; it
// writes nothing there. Where the structure is damaged, what can be read is read from
// a copy in the directory for temporary files.
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
	if report.broken {
		if f.copied, err = os.MkdirTemp("", "opsguard-"); err == nil {
			copied := filepath.Join(f.copied, FileName)
			_, err = read.Rebuild(report.exam, copied, newSurvey(report.layout).keeping())
			if err = errors.Join(err, read.Close()); err == nil {
				err = f.openCopy(copied)
			}
		}
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("copy what can be read of %s: %w", path, unwrapPath(err)), os.RemoveAll(f.copied))
		}
	}
	f.Damage.replace(report.Findings, report.Count)
	return f, report, nil
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
	r, err := examine(f.File)
	if err != nil {
		return nil, explain(f.Path(), err)
	}
	f.Damage.replace(r.Findings, r.Count)
	return r, nil
}

// Check reads the store in dir through, and writes nothing.
func Check(dir string) (*Report, error) {
	path, err := present(dir)
	if err != nil {
		return nil, err
	}
	f, err := dbfile.Open(path, dbfile.Read)
	if err != nil {
		return nil, explainOpen(dir, path, err)
	}
	defer f.Close()
	r, err := examine(f)
	if err != nil {
		return nil, explain(path, err)
	}
	return r, nil
}
