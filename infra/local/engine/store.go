package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/pkg/asl"
)

const (
	definitionsBucket = "engine/definitions" // digest -> the definition's bytes
	runningBucket     = "engine/running"     // name -> header and execution
	endedBucket       = "engine/ended"       // name -> ended
	endedAtBucket     = "engine/ended-at"    // time and name -> nothing
)

// retention is how long Step Functions keeps an ended execution, and with it its name.
const retention = 90 * 24 * time.Hour

// found is an execution as the file has it when the engine opens.
type found struct {
	name string
	header
	attempt  int    // of the task that was running
	function string // of the same
}

// prepare makes the buckets, keeps the definition's bytes, and drops those of definitions on which nothing runs any more.
func prepare(db *bbolt.DB, def *asl.Definition, text []byte) error {
	return db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{definitionsBucket, runningBucket, endedBucket, endedAtBucket} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		used := map[string]bool{def.Digest(): true}
		err := tx.Bucket([]byte(runningBucket)).ForEach(func(name, value []byte) error {
			h, err := decodeHeader(value)
			used[h.digest] = true
			if err != nil {
				return damaged("execution "+string(name), err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		definitions := tx.Bucket([]byte(definitionsBucket))
		if err := definitions.Put([]byte(def.Digest()), text); err != nil {
			return err
		}
		var unused [][]byte
		err = definitions.ForEach(func(digest, _ []byte) error {
			if !used[string(digest)] {
				unused = append(unused, bytes.Clone(digest))
			}
			return nil
		})
		for _, digest := range unused {
			if err := definitions.Delete(digest); err != nil {
				return err
			}
		}
		return err
	})
}

// loadDefinitions reads every stored definition. All of them have running executions, or are the current one.
func loadDefinitions(db *bbolt.DB) (map[string]*asl.Definition, error) {
	definitions := map[string]*asl.Definition{}
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(definitionsBucket)).ForEach(func(digest, text []byte) error {
			def, err := asl.Load(text)
			if err != nil {
				return damaged("definition "+string(digest)+", on which executions run", err)
			}
			definitions[def.Digest()] = def
			return nil
		})
	})
	return definitions, err
}

// findRunning lists the running executions by their headers, and decodes only those whose task has to run again.
func findRunning(db *bbolt.DB, definitions map[string]*asl.Definition) ([]found, error) {
	var all []found
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(runningBucket)).ForEach(func(name, value []byte) error {
			h, err := decodeHeader(value)
			if err != nil {
				return damaged("execution "+string(name), err)
			}
			f := found{name: string(name), header: h}
			def, ok := definitions[h.digest]
			if !ok {
				return fmt.Errorf("engine: execution %s runs on definition %s, which is not stored", name, h.digest)
			}
			if h.invoking {
				exec, err := decodeExecution(value)
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

func readRunning(tx *bbolt.Tx, name string) (asl.Execution, bool, error) {
	value := tx.Bucket([]byte(runningBucket)).Get([]byte(name))
	if value == nil {
		return asl.Execution{}, false, nil
	}
	exec, err := decodeExecution(value)
	if err != nil {
		return exec, false, damaged("execution "+name, err)
	}
	return exec, true, nil
}

// readEnded does not see a record that is older than the retention, whether or not it has been deleted yet.
func readEnded(tx *bbolt.Tx, name string, now time.Time) (ended, bool, error) {
	var record ended
	value := tx.Bucket([]byte(endedBucket)).Get([]byte(name))
	if value == nil {
		return record, false, nil
	}
	if err := json.Unmarshal(value, &record); err != nil {
		return record, false, damaged("record of execution "+name, err)
	}
	return record, now.Before(record.EndedAt.Add(retention)), nil
}

// prune deletes at most n records past the retention, the oldest first. A name used anew has a newer record, which stays.
func prune(tx *bbolt.Tx, now time.Time, n int) error {
	byTime, byName := tx.Bucket([]byte(endedAtBucket)), tx.Bucket([]byte(endedBucket))
	limit := now.Add(-retention).UnixMilli()
	var old [][]byte
	cursor := byTime.Cursor()
	for key, _ := cursor.First(); key != nil && len(old) < n; key, _ = cursor.Next() {
		if at, _ := splitEndedKey(key); at > limit {
			break
		}
		old = append(old, bytes.Clone(key))
	}
	for _, key := range old {
		_, name := splitEndedKey(key)
		_, live, err := readEnded(tx, name, now)
		if err != nil {
			return err
		}
		if !live {
			if err := byName.Delete([]byte(name)); err != nil {
				return err
			}
		}
		if err := byTime.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
