package engine

import (
	"bytes"
	"errors"

	"github.com/opsguard/opsguard/infra/local/commit"
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

// put stores the batch.
func (b *batch) put(tx commit.Tx) error {
	for _, name := range b.changed {
		at := b.entries[name]
		if !at.exec.Finished() {
			if err := tx.Put([]byte(runningBucket), []byte(name), at.stored); err != nil {
				return err
			}
			continue
		}
		ended := endedKey(at.exec.EndedAt, name)
		err := errors.Join(
			tx.Delete([]byte(runningBucket), []byte(name)),
			tx.Put([]byte(endedBucket), []byte(name), at.stored),
			tx.Put([]byte(endedAtBucket), ended, endedAtSeal.Close(ended, nil)))
		if err != nil {
			return err
		}
	}
	return nil
}
