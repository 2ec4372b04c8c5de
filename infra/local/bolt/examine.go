package bolt

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
)

const (
	// lockPatience is how long to wait for another process to let go of the file.
	lockPatience = time.Second
	// maxExamined bounds the size of a file that is read through before use, in
	// bytes: at that size the reading takes some tenths of a second.
	maxExamined = 256 << 20
)

// examine opens an existing file for reading only and reads through it, so that
// damage is told in words at the start: opened for writing, bbolt answers some
// damage with a panic or a fault that nothing can catch.
func examine(path string) (err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil // to be made
	}
	if err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading it through failed: %v", p)
		}
	}()
	db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true, Timeout: lockPatience})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("it is %d bytes long and should be %d", info.Size(), tx.Size())
		}
		if info.Size() > maxExamined {
			return nil
		}
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return readThrough(b) })
	})
}

// readThrough touches every page of a bucket and of those inside it.
func readThrough(b *bbolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return readThrough(b.Bucket(k))
		}
		return nil
	})
}
