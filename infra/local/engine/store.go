package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/asl"
)

const (
	definitionsBucket = "engine/definitions" // digest -> the definition's bytes
	runningBucket     = "engine/running"     // name -> header and execution
	endedBucket       = "engine/ended"       // name -> ended
	endedAtBucket     = "engine/ended-at"    // time and name -> nothing
)

// The seals of the buckets: every record carries a checksum over its key and value.
var (
	definitionsSeal = dbfile.NewSeal(definitionsBucket)
	runningSeal     = dbfile.NewSeal(runningBucket)
	endedSeal       = dbfile.NewSeal(endedBucket)
	endedAtSeal     = dbfile.NewSeal(endedAtBucket)
)

// Buckets names the engine's buckets.
func Buckets() []string {
	return []string{definitionsBucket, runningBucket, endedBucket, endedAtBucket}
}

// Plausible judges a value that was written before there were checksums.
func Plausible(bucket string, value []byte) bool {
	switch bucket {
	case definitionsBucket, endedBucket:
		return json.Valid(value)
	case runningBucket:
		_, err := decodeHeader(value)
		return err == nil && json.Valid(value[headerSize:])
	}
	return len(value) == 0
}

// DB is where executions are kept; a commit.Writer is one.
type DB interface {
	// View reads single records as of one moment, with everything that was written before.
	View(func(commit.Reader) error) error
	// Soon writes single records and does not wait for the disk. What anybody asks of the same store later is on disk only
	// if this is, too. It is tried until it is on disk; told hears how each try went, nil the last time. View shows it then.
	Soon(write func(commit.Tx) error, told func(error)) error
	// Scan reads ranges, with everything that was written before.
	Scan(func(*bbolt.Tx) error) error
	// Update changes ranges, after everything that was written before.
	Update(func(*bbolt.Tx) error) error
}

// retention is how long Step Functions keeps an ended execution, and with it its name.
const retention = 90 * 24 * time.Hour

// found is an execution as the file has it when the engine opens.
type found struct {
	name string
	header
	attempt  int    // of the task that was running
	function string // of the same
}

// errorDamaged is the error of an execution that ended because its record cannot be read.
const errorDamaged = "OpsGuard.RecordDamaged"

// prepare makes the buckets, keeps the definition's bytes, and drops those of definitions on which nothing runs any more. It
// ends executions that cannot be carried on, and tells which: whoever asks after one finds that it failed.
func prepare(db DB, def *asl.Definition, text []byte, now time.Time) (lost []string, err error) {
	err = db.Update(func(tx *bbolt.Tx) error {
		lost = nil
		for _, name := range Buckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		definitions := tx.Bucket([]byte(definitionsBucket))
		digest := []byte(def.Digest())
		if err := definitions.Put(digest, definitionsSeal.Close(digest, text)); err != nil {
			return err
		}
		readable := readableDefinitions(definitions)
		used := map[string]bool{def.Digest(): true}
		err := tx.Bucket([]byte(runningBucket)).ForEach(func(name, value []byte) error {
			h, err := openHeader(name, value)
			if err != nil || readable[h.digest] == nil {
				lost = append(lost, string(name))
				return nil
			}
			used[h.digest] = true
			return nil
		})
		if err != nil {
			return err
		}
		for _, name := range lost {
			if err := endLost(tx, []byte(name), now); err != nil {
				return err
			}
		}
		return dropDefinitions(definitions, used)
	})
	return lost, err
}

// endLost puts an ended record in the place of an execution that cannot be read.
func endLost(tx *bbolt.Tx, name []byte, now time.Time) error {
	record := ended{Status: asl.Failed, StartedAt: now, EndedAt: now, Error: errorDamaged, Cause: "the stored execution cannot be read"}
	var text bytes.Buffer
	if err := encodeJSON(&text, record); err != nil {
		return err
	}
	at := endedKey(now, string(name))
	return errors.Join(
		tx.Bucket([]byte(runningBucket)).Delete(name),
		tx.Bucket([]byte(endedBucket)).Put(name, endedSeal.Close(name, text.Bytes())),
		tx.Bucket([]byte(endedAtBucket)).Put(at, endedAtSeal.Close(at, nil)))
}

// readableDefinitions returns the stored definitions that can be read, by their digests.
func readableDefinitions(definitions *bbolt.Bucket) map[string]*asl.Definition {
	readable := map[string]*asl.Definition{}
	c := definitions.Cursor()
	for digest, value := c.First(); digest != nil; digest, value = c.Next() {
		text, err := definitionsSeal.Open(digest, value)
		if err != nil {
			continue
		}
		if def, err := asl.Load(text); err == nil && def.Digest() == string(digest) {
			readable[def.Digest()] = def
		}
	}
	return readable
}

// dropDefinitions deletes those that are not used.
func dropDefinitions(definitions *bbolt.Bucket, used map[string]bool) error {
	var unused [][]byte
	c := definitions.Cursor()
	for digest, _ := c.First(); digest != nil; digest, _ = c.Next() {
		if !used[string(digest)] {
			unused = append(unused, bytes.Clone(digest))
		}
	}
	for _, digest := range unused {
		if err := definitions.Delete(digest); err != nil {
			return err
		}
	}
	return nil
}

// loadDefinitions reads every stored definition. All of them have running executions, or are the current one.
func loadDefinitions(db DB) (definitions map[string]*asl.Definition, err error) {
	err = db.Scan(func(tx *bbolt.Tx) error {
		definitions = readableDefinitions(tx.Bucket([]byte(definitionsBucket)))
		return nil
	})
	return definitions, err
}

// findRunning lists the running executions by their headers, and decodes only those whose task has to run again.
func findRunning(db DB, definitions map[string]*asl.Definition) ([]found, error) {
	var all []found
	err := db.Scan(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(runningBucket)).ForEach(func(name, value []byte) error {
			h, err := openHeader(name, value)
			if err != nil {
				return damaged("execution "+string(name), err)
			}
			f := found{name: string(name), header: h}
			def, ok := definitions[h.digest]
			if !ok {
				return fmt.Errorf("engine: execution %s runs on definition %s, which is not stored", name, h.digest)
			}
			if h.invoking {
				exec, err := openExecution(name, value)
				if err != nil {
					return damaged("execution "+string(name), err)
				}
				state, _ := def.State(exec.State)
				f.attempt, f.function = exec.Attempt, state.FunctionName
			}
			all = append(all, f)
			return nil
		})
	})
	return all, err
}

func readRunning(r commit.Reader, name string) (asl.Execution, bool, error) {
	value := r.Get([]byte(runningBucket), []byte(name))
	if value == nil {
		return asl.Execution{}, false, nil
	}
	exec, err := openExecution([]byte(name), value)
	if err != nil {
		return exec, false, damaged("execution "+name, err)
	}
	return exec, true, nil
}

// readEnded does not see a record that is older than the retention, whether or not it has been deleted yet. One that cannot
// be read is of an execution that ended, nobody knows when: it is seen.
func readEnded(r commit.Reader, name string, now time.Time) (record ended, kept bool) {
	value := r.Get([]byte(endedBucket), []byte(name))
	if value == nil {
		return record, false
	}
	text, err := endedSeal.Open([]byte(name), value)
	if err != nil || json.Unmarshal(text, &record) != nil {
		return ended{Status: asl.Failed, Error: errorDamaged, Cause: "the record of this ended execution cannot be read"}, true
	}
	return record, now.Before(record.EndedAt.Add(retention))
}
