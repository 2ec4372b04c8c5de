// Package bolt is the incident store of the one-machine runtime: a bbolt file behind
// a journal, every change written whole and synced. What Load, Commit and the rest promise
// stands with the ports in pkg/steps; its contract tests are in
// pkg/steps/stepstest.
//
// Keys are a tenant, a NUL, and what the bucket is about, so that one tenant's
// records are one range. Incident ids are ULIDs, so ranges are in order of time.
//
// Every record carries a checksum, and the buckets bear each other out, so that a
// record that is changed or gone is noticed and named: at the start, by `opsguard
// store check`, and when it is met. It costs that record and nothing else.
package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
)

var (
	bucketMeta     = newBucket("incidents") // tenant, id -> head, JSON; its sequence counts the incidents ever opened
	bucketStatus   = newBucket("status")    // tenant, status, id -> nothing
	bucketEvents   = newBucket("events")    // tenant, id, seq -> JSON
	bucketEvidence = newBucket("evidence")  // tenant, id -> JSON
	bucketLatest   = newBucket("latest")    // tenant, id -> JSON: what the last alert said, where it is not what the first one did
	bucketWaits    = newBucket("waits")     // tenant, id -> JSON, with the task token
	bucketDedup    = newBucket("dedup")     // tenant, fingerprint -> JSON
	bucketTargets  = newBucket("targets")   // target -> JSON
	bucketTickets  = newBucket("tickets")   // tenant, key -> JSON
	bucketUntold   = newBucket("untold")    // tenant, id -> the version that its ticket and messages lag behind
	bucketGroups   = newBucket("groups")    // tenant, key -> JSON: who is told of together
	bucketBrakes   = newBucket("brakes")    // tenant -> JSON: the kill switch
	bucketFixes    = newBucket("fixes")     // tenant, service -> JSON: what was done to it lately
	bucketInfo     = newBucket("opsguard")  // schemaKey -> schema, without a checksum; idKey -> the store's id

	buckets = []bucket{bucketMeta, bucketStatus, bucketEvents, bucketEvidence, bucketLatest, bucketWaits, bucketDedup, bucketTargets, bucketTickets, bucketUntold, bucketGroups,
		bucketBrakes, bucketFixes, bucketInfo}
)

// schema is the version of the layout above. The first one had no checksums. While a
// journal is in use, the store says so in its layout: an OpsGuard that knows of no
// journals must not open it, for it would miss what the journal holds.
const (
	schema      = "2"
	inUse       = "2 with a journal"
	firstLayout = "1"
)

// FileName is the store's file in the data directory.
const FileName = "opsguard.db"

// Keys of bucketInfo.
const (
	schemaKey = "schema"
	twinKey   = "schema-sealed" // the same with a checksum, which tells a newer layout from a damaged record
	idKey     = "id"
)

func layoutOf(r commit.Reader) string { return string(r.Get(bucketInfo.name, []byte(schemaKey))) }

// Store implements the store ports of pkg/steps.
type Store struct {
	db      *File
	writer  *commit.Writer // nil: the store is only read
	decoded decoded
}

// New makes a store of an opened file and the writer that belongs to it; nil for one
// that is only read.
func New(db *File, writer *commit.Writer) *Store {
	if writer != nil {
		db.flush = writer.Flush
	}
	return &Store{db: db, writer: writer, decoded: newDecoded()}
}

// view reads single records..
func (s *Store) view(read func(r commit.Reader) error) error {
	if s.writer == nil {
		return s.db.View(func(tx *bbolt.Tx) error { return read(commit.Plain{Tx: tx}) })
	}
	return s.writer.View(read)
}

// scan reads ranges.
func (s *Store) scan(read func(tx *bbolt.Tx) error) error {
	if s.writer == nil {
		return s.db.View(read)
	}
	return s.writer.Scan(read)
}

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

// unavailable says that the store failed; the cause is for the log. Damage that was
// met is noted.
func (s *Store) unavailable(err error) error {
	if err == nil {
		return nil
	}
	s.note(err)
	var known *incident.Error
	var failed *dbfile.Failure
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &failed):
		return incident.Unavail(failed.What, err)
	}
	return incident.Unavail("the store failed", err)
}

// note remembers a damaged record that was met. It reports whether err is about one.
func (s *Store) note(err error) bool {
	if err == nil {
		return false
	}
	var bad badRecord
	if !errors.As(err, &bad) {
		return false
	}
	s.db.Damage.note(bad.Finding)
	return true
}

func notFound(ref incident.Ref) error {
	return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no incident %s", ref.ID)
}

// Ping reads from the file.
func (s *Store) Ping(context.Context) error {
	return s.unavailable(s.view(func(r commit.Reader) error {
		if layout := layoutOf(r); layout != schema && layout != inUse && layout != firstLayout {
			return errors.New("the schema record is gone")
		}
		return nil
	}))
}

// touchKey holds when the store was last found to take writes.
const touchKey = "touched"

// Touch writes a small record, so that a store that takes no writes is noticed before
// an alert comes.
func (s *Store) Touch() error {
	stored, err := bucketInfo.encode([]byte(touchKey), time.Now().UTC())
	if err != nil {
		return err
	}
	err = s.writer.Do(func(tx commit.Tx) error { return tx.Put(bucketInfo.name, []byte(touchKey), stored) })
	if _, refused := s.db.Written(); err == nil && refused != nil { // by the file, which the journal waits for
		err = s.writer.Flush()
	}
	return s.unavailable(err)
}
