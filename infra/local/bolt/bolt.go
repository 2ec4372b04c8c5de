// Package bolt is the incident store of the one-machine runtime: one bbolt file,
// every change one fsynced transaction. What Load, Commit and the rest promise
// stands with the ports in pkg/steps; its contract tests are in
// pkg/steps/stepstest.
//
// Keys are a tenant, a NUL, and what the bucket is about, so that one tenant's
// records are one range. Incident ids are ULIDs, so ranges are in order of time.
package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
)

var (
	bucketMeta     = []byte("incidents") // tenant, id -> head, JSON
	bucketStatus   = []byte("status")    // tenant, status, id -> nothing
	bucketEvents   = []byte("events")    // tenant, id, seq -> JSON
	bucketEvidence = []byte("evidence")  // tenant, id -> JSON
	bucketWaits    = []byte("waits")     // tenant, id -> JSON, with the task token
	bucketDedup    = []byte("dedup")     // tenant, fingerprint -> JSON
	bucketTargets  = []byte("targets")   // target -> JSON
	bucketTickets  = []byte("tickets")   // tenant, key -> JSON
	bucketInfo     = []byte("opsguard")  // "schema" -> 1
)

// schema is the version of the layout above.
const schema = "1"

// FileName is the store's file in the data directory.
const FileName = "opsguard.db"

// OpenFile opens or makes the file in dir, which it makes too, and says in words
// for the operator what is wrong if it cannot: in use, unwritable, damaged, or
// written by a newer OpsGuard.
func OpenFile(dir string) (*bbolt.DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory %s: cannot be made or entered: %w; choose another with --data-dir", dir, unwrapPath(err))
	}
	path := filepath.Join(dir, FileName)
	err := examine(path)
	var db *bbolt.DB
	if err == nil {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockPatience, FreelistType: bbolt.FreelistMapType})
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("data directory %s is in use by another opsguard; stop that one, or choose another with --data-dir", dir)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s: cannot be opened for writing: permission denied; fix its owner or mode, or choose another directory with --data-dir", path)
	case err != nil:
		return nil, fmt.Errorf("%s is damaged or not an OpsGuard store (%w); restore it from a backup, or move it away to begin with an empty one", path, unwrapPath(err))
	}
	if err := prepare(db); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// unwrapPath drops the path from an os error, which the message has already.
func unwrapPath(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func prepare(db *bbolt.DB) error {
	return db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketStatus, bucketEvents, bucketEvidence, bucketWaits, bucketDedup, bucketTargets, bucketTickets, bucketInfo} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		info := tx.Bucket(bucketInfo)
		if have := info.Get([]byte("schema")); have == nil {
			return info.Put([]byte("schema"), []byte(schema))
		} else if string(have) != schema {
			return fmt.Errorf("the store has layout %s, this opsguard knows %s; use the version that wrote it", have, schema)
		}
		return nil
	})
}

// Store implements the store ports of pkg/steps.
type Store struct {
	db      *bbolt.DB
	writer  *commit.Writer
	decoded decoded
}

// New makes a store of an opened file and the writer that belongs to it.
func New(db *bbolt.DB, writer *commit.Writer) *Store { return &Store{db: db, writer: writer} }

// key joins parts with NULs, which no tenant, id, status or fingerprint holds.
func key(parts ...string) []byte {
	n := len(parts)
	for _, p := range parts {
		n += len(p)
	}
	k := make([]byte, 0, n)
	for i, p := range parts {
		if i > 0 {
			k = append(k, 0)
		}
		k = append(k, p...)
	}
	return k
}

func eventKey(ref incident.Ref, seq int64) []byte {
	return binary.BigEndian.AppendUint64(append(key(ref.Tenant, ref.ID), 0), uint64(seq))
}

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}
	return b, nil
}

// unavailable says that the store failed; the cause is for the log.
func unavailable(err error) error {
	var known *incident.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return incident.Unavail("the store failed", err)
}

func notFound(ref incident.Ref) error {
	return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no incident %s", ref.ID)
}

// get decodes a value; false if there is none.
func get(tx *bbolt.Tx, bucket, k []byte, into any) (bool, error) {
	v := tx.Bucket(bucket).Get(k)
	if v == nil {
		return false, nil
	}
	if err := json.Unmarshal(v, into); err != nil {
		return false, fmt.Errorf("a record in %s is damaged: %w", bucket, err)
	}
	return true, nil
}

// Ping reads from the file.
func (s *Store) Ping(context.Context) error {
	return unavailable(s.db.View(func(tx *bbolt.Tx) error {
		if !bytes.Equal(tx.Bucket(bucketInfo).Get([]byte("schema")), []byte(schema)) {
			return errors.New("the schema record is gone")
		}
		return nil
	}))
}
