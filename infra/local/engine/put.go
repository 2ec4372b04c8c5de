package engine

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// encode makes the bytes to store, so that the transaction does not wait for it.
func (b *batch) encode() error {
	for _, name := range b.changed {
		at := b.entries[name]
		if at.exec.Finished() {
			var text bytes.Buffer
			if err := encodeJSON(&text, endedRecord(at.exec)); err != nil {
				return err
			}
			at.stored = endedSeal.Close([]byte(name), text.Bytes())
			continue
		}
		value, err := encodeExecution(at.exec)
		if err != nil {
			return err
		}
		at.stored = runningSeal.Close([]byte(name), value)
	}
	return nil
}

// put stores the batch. For every execution that ends, it deletes up to two records that are past their time, so they never
// pile up.
func (b *batch) put(tx *bbolt.Tx) error {
	running, records, byTime := tx.Bucket([]byte(runningBucket)), tx.Bucket([]byte(endedBucket)), tx.Bucket([]byte(endedAtBucket))
	finished := 0
	for _, name := range b.changed {
		at := b.entries[name]
		if !at.exec.Finished() {
			if err := running.Put([]byte(name), at.stored); err != nil {
				return err
			}
			continue
		}
		finished++
		if err := running.Delete([]byte(name)); err != nil {
			return err
		}
		if err := records.Put([]byte(name), at.stored); err != nil {
			return err
		}
		ended := endedKey(at.exec.EndedAt, name)
		if err := byTime.Put(ended, endedAtSeal.Close(ended, nil)); err != nil {
			return err
		}
	}
	if finished == 0 {
		return nil
	}
	return prune(tx, b.now, 2*finished)
}
