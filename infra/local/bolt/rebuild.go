package bolt

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
)

// keptFormat is the time in the name of a damaged file that is kept.
const keptFormat = "20060102T150405.000000000Z"

// errTooMuch means that a start does not go on with what is left of a store.
var errTooMuch = errors.New("too much of it is lost to go on with the rest unasked")

// tolerable reports whether a start may go on with what is left: three quarters of
// the pages at least, and nothing is unknown.
func tolerable(l dbfile.Loss) bool { return !l.Unknown && 4*l.Pages <= l.InUse }

// rebuild puts a new file, of all good records that can be found, in the place of a
// damaged one, and returns where that is kept. Unless it was asked for, it refuses
// to when too much is lost.
func rebuild(f *dbfile.File, report *Report, asked bool) (kept string, err error) {
	path := f.Path()
	s := newSurvey(report.layout)
	keep := s.keeping()
	if asked {
		keep.Leaving = s.leaving
	}
	fresh := path + ".new"
	loss, err := f.Rebuild(report.exam, fresh, keep)
	if report.renamed && report.layout == firstLayout {
		loss.Unknown = true // without checksums, nothing tells where its records belong
	}
	switch {
	case err != nil:
	case !asked && (s.kept == 0 || !tolerable(loss)):
		err = errTooMuch
	case s.kept == 0:
		err = errors.New("nothing of it can be read")
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(fresh))
	}
	if err := quietFile(fresh); err != nil {
		return "", errors.Join(err, os.Remove(fresh))
	}
	kept = fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format(keptFormat))
	// A second name first, so that there is a store at every moment.
	if err := os.Link(path, kept); errors.Is(err, os.ErrExist) {
		return "", err // another copy is kept under that name
	} else if err != nil {
		if err := os.Rename(path, kept); err != nil {
			return "", err
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", err
	}
	return kept, dbfile.SyncDir(filepath.Dir(path))
}

// keeping is what a rebuild copies.
func (s *survey) keeping() dbfile.Keep { return dbfile.Keep{Record: s.keep, Newer: s.newer} }

// leaving keeps of what may have been replaced or deleted only what is never deleted:
// an incident with its newest version, events, evidence, what was said last, tickets, the kill switch. Executions that are
// not found end as failed, and reconcile escalates their incidents.
func (s *survey) leaving(r dbfile.Record) (string, bool) {
	name, ok := s.belongs(r)
	for _, kept := range []bucket{bucketMeta, bucketEvents, bucketEvidence, bucketLatest, bucketTickets, bucketBrakes} {
		if ok && name == string(kept.name) {
			s.kept++
			return name, true
		}
	}
	return "", false
}

// newer reports whether another value of a key is a later version of an incident, or of
// the kill switch.
func (s *survey) newer(bucket string, old, other []byte) bool {
	if bucket == string(bucketBrakes.name) {
		var have, more incident.Brake
		err1, err2 := json.Unmarshal(dbfile.Unseal(old), &have), json.Unmarshal(dbfile.Unseal(other), &more)
		return err1 == nil && err2 == nil && more.Version > have.Version
	}
	if bucket != string(bucketMeta.name) {
		return false // what was found first was in its place
	}
	have, _, _, err1 := splitMeta(dbfile.Unseal(old))
	more, _, _, err2 := splitMeta(dbfile.Unseal(other))
	return err1 == nil && err2 == nil && more > have
}

// keep says which bucket a record belongs to, and drops what is not as it was
// written. The checksum tells the bucket of a record that no page leads to.
func (s *survey) keep(r dbfile.Record) (string, bool) {
	name, ok := s.belongs(r)
	if ok && name != string(bucketInfo.name) { // what the store says of itself is no use alone
		s.kept++
	}
	return name, ok
}

func (s *survey) belongs(r dbfile.Record) (string, bool) {
	if _, known := s.seals[r.Bucket]; known {
		if _, ok := s.open(r); ok {
			return r.Bucket, true
		}
	}
	for name, seal := range s.seals {
		if _, err := seal.Open(r.Key, r.Value); err == nil {
			return name, true
		}
	}
	return "", false
}

// migrateStep is how many bytes one transaction of a migration writes, about.
const migrateStep = 4 << 20

// migrate gives every record of the first layout its checksum. It may be cut off at
// any moment: then the next start goes on, since what has a checksum already is left
// alone. What cannot be read is left too, and is damaged from then on.
func (f *File) migrate() error {
	s := newSurvey(firstLayout)
	incidents := uint64(0)
	for name, seal := range s.seals {
		var after []byte
		for more := true; more; {
			err := f.Update(func(tx *bbolt.Tx) (err error) {
				b := tx.Bucket([]byte(name))
				if more = b != nil; !more {
					return nil
				}
				var n uint64
				after, n, err = sealSome(b, s, seal, after)
				if more = after != nil; name == string(bucketMeta.name) {
					incidents += n
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("give the records of %s checksums: %w", name, err)
			}
		}
	}
	f.Opened = append(f.Opened, fmt.Sprintf("the store had layout %s and has layout %s now: every record has a checksum", firstLayout, schema))
	return f.Update(func(tx *bbolt.Tx) error {
		if err := bucketMeta.in(tx).SetSequence(incidents); err != nil {
			return err
		}
		return putLayout(tx, schema)
	})
}

// sealSome gives checksums to some records behind a key. It returns the last key it
// looked at, nil at the end, and how many records that were.
func sealSome(b *bbolt.Bucket, s *survey, seal dbfile.Seal, after []byte) (last []byte, n uint64, err error) {
	b.FillPercent = 0.9 // keys come in the order of time, mostly
	size := 0
	c := b.Cursor()
	k, v := c.First()
	if after != nil {
		if k, v = c.Seek(after); string(k) == string(after) {
			k, v = c.Next()
		}
	}
	type record struct{ key, value []byte }
	var sealed []record
	for ; k != nil && size < migrateStep; k, v = c.Next() {
		n++
		last = append([]byte{}, k...)
		plain := seal.Bucket() == string(bucketInfo.name) && string(k) == schemaKey
		if plain || dbfile.Sealed(v) || !plausible(seal.Bucket(), v) {
			continue
		}
		value := v
		if seal.Bucket() == string(bucketStatus.name) {
			value = nil
		}
		sealed = append(sealed, record{last, seal.Close(last, value)})
		size += len(last) + len(v)
	}
	if k == nil {
		last = nil
	}
	for _, r := range sealed {
		if err := b.Put(r.key, r.value); err != nil {
			return nil, n, err
		}
	}
	return last, n, nil
}

// Salvage makes a store that is damaged again of what can be read of it, also one
// whose end is missing, and returns where the damaged file is kept.
func Salvage(dir string) (kept string, err error) {
	path := filepath.Join(dir, FileName)
	f, err := dbfile.Open(path, dbfile.Read)
	if err != nil {
		return "", explainOpen(dir, path, err)
	}
	defer f.Close()
	report, err := examine(f)
	if err != nil && (report == nil || !errors.Is(err, dbfile.ErrTruncated)) {
		return "", explain(path, err)
	}
	if !report.broken && err == nil {
		return "", fmt.Errorf("%s can be opened as it is: there is nothing to save; opsguard store check says what is damaged", path)
	}
	if kept, err = rebuild(f, report, true); err != nil {
		return "", fmt.Errorf("%s: %w; restore it from a backup", path, err)
	}
	return kept, nil
}
