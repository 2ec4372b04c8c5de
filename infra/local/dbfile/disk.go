package dbfile

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

// lockPatience is how long to wait for another process to let go of a file.
const lockPatience = time.Second

// WriteFile puts a small file in place so that a crash leaves the old one, none, or
// the whole new one. Only its owner can read it.
func WriteFile(path string, text []byte) error {
	fresh, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fresh.Write(text)
	if err = errors.Join(err, fresh.Sync(), fresh.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes names that were given, changed or taken in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
