package bolt

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/dbfile"
)

// The store's id is written into it and into a file beside it, so that a store that
// is gone, or another one in its place, is noticed.
const (
	markerName = "store.id"
	// LinkKeyFile is the file of the link key, which says too that a directory was in use.
	LinkKeyFile = "link.keys"
)

// traceOfUse names a file that says that the directory was in use, "" if none does.
func traceOfUse(dir string) string {
	for _, name := range []string{markerName, LinkKeyFile, JournalName} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return name
		}
	}
	return ""
}

func vanished(dir, path, trace string) error {
	what := "is not there"
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		what = "is empty"
	}
	return fmt.Errorf("data directory %s was in use before (%s is in it), but its store, %s, %s. Restore %s from a backup and start again. "+
		"If there is none, begin with an empty store: opsguard store init --data-dir %s", dir, trace, FileName, what, FileName, dir)
}

// besideID returns the id that stands beside the store, "" if none does.
func besideID(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, markerName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", unwrapPath(err)
	}
	return string(bytes.TrimSpace(text)), nil
}

// mark compares the id in the store with the one beside it, and writes what is not
// there yet. It returns the id.
func (f *File) mark(dir, id string) (string, error) {
	path := filepath.Join(dir, markerName)
	beside, err := besideID(dir)
	if err != nil {
		return "", err
	}
	switch {
	case id != "" && beside == id:
		return id, nil
	case id != "" && beside != "":
		return "", fmt.Errorf("it is not the store that this directory was used with: %s has the id %s, the store is %s. Restore the right one. "+
			"If this is the one to go on with, delete %s and start again", markerName, beside, id, path)
	case id == "":
		if id = beside; id == "" {
			id = rand.Text()
		}
		if err := f.putID(id); err != nil {
			return "", err
		}
	}
	return id, dbfile.WriteFile(path, []byte(id+"\n"))
}

func (f *File) putID(id string) error {
	sealed, err := bucketInfo.encode([]byte(idKey), struct{ ID string }{id})
	if err != nil {
		return err
	}
	return f.Update(func(tx *bbolt.Tx) error { return bucketInfo.in(tx).Put([]byte(idKey), sealed) })
}
