package engine

import (
	"bytes"
	"time"

	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/commit"
)

// pruneEvery is how often records that are past their time are looked for, at most: it
// takes a transaction of its own.
const pruneEvery = time.Minute

// pruning is what the writer knows of it.
type pruning struct {
	last  time.Time
	ended int // since then
}

// prune deletes, for every execution that has ended, up to two records that are past their time, so they never pile up.
func (e *Engine) prune(ended int, now time.Time) {
	p := &e.pruning
	if p.ended += ended; p.ended == 0 || now.Sub(p.last) < pruneEvery {
		return
	}
	n := 2 * p.ended
	if err := e.cfg.DB.Update(func(tx *bbolt.Tx) error { return prune(tx, now, n) }); err != nil {
		e.cfg.Log.Warn("old records of executions were not deleted; trying again", "error", err)
		p.last = now
		return
	}
	*p = pruning{last: now}
}

// prune deletes at most n records past the retention, the oldest first. A name used anew has a newer record, which stays.
func prune(tx *bbolt.Tx, now time.Time, n int) error {
	byTime, byName := tx.Bucket([]byte(endedAtBucket)), tx.Bucket([]byte(endedBucket))
	limit := now.Add(-retention).UnixMilli()
	var old [][]byte
	cursor := byTime.Cursor()
	for key, value := cursor.First(); key != nil && len(old) < n; key, value = cursor.Next() {
		if at, _ := splitEndedKey(key); at > limit {
			break
		}
		if _, err := endedAtSeal.Open(key, value); err == nil { // a damaged key names nobody
			old = append(old, bytes.Clone(key))
		}
	}
	for _, key := range old {
		_, name := splitEndedKey(key)
		if _, live := readEnded(commit.Plain{Tx: tx}, name, now); !live && name != "" {
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
