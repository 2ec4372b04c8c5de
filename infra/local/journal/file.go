package journal

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/opsguard/opsguard/infra/local/dbfile"
)

// FileName is the journal's file in the data directory.
const FileName = "opsguard.journal"

// halfSize is how many bytes of records a half holds. Two of them are on disk, and
// what they hold is in memory too.
const halfSize = 4 << 20

// The header is one sector: magic, the journal's id, a CRC-32C over the rest, and the
// store's id, which is text behind a byte that tells its length.
const (
	fileMagic = "OPSGJNL1"
	fileHead  = 29 // bytes before the store's id
	fileSize  = sector + 2*halfSize
)

// Journal is an open journal. Append, Room and Rotate are for one goroutine; the
// other methods may be called by any.
type Journal struct {
	path string
	file *os.File
	is   os.FileInfo
	id   ID

	half    int
	at      int // where the next record begins in its half
	epoch   uint64
	base    uint64
	seq     atomic.Uint64 // of the last record
	applied atomic.Uint64
	buf     []byte
}

// Create makes a new, empty journal for a store, in the place of one that holds
// nothing any more. The first group's number is one more than applied.
func Create(path, store string, applied uint64) (j *Journal, err error) {
	j = &Journal{path: path, epoch: 1, base: applied + 1}
	j.seq.Store(applied)
	j.applied.Store(applied)
	if _, err := rand.Read(j.id[:]); err != nil {
		return nil, err
	}
	fresh := path + ".new"
	if j.file, err = os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	err = j.fill(store)
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err == nil {
		err = dbfile.SyncDir(filepath.Dir(path))
	}
	if err == nil {
		j.is, err = j.file.Stat()
	}
	if err != nil {
		return nil, errors.Join(err, j.file.Close(), removeIfThere(fresh))
	}
	return j, nil
}

// fill writes the header and the zeros, so that an append needs no new blocks.
func (j *Journal) fill(store string) error {
	if len(store) > sector-fileHead {
		return fmt.Errorf("the store's id has %d bytes", len(store))
	}
	if _, err := j.file.Write(header(j.id, store)); err != nil {
		return err
	}
	zeros := make([]byte, 1<<20)
	for range 2 * halfSize / len(zeros) {
		if _, err := j.file.Write(zeros); err != nil {
			return err
		}
	}
	return j.file.Sync()
}

func header(id ID, store string) []byte {
	head := make([]byte, sector)
	copy(head, fileMagic)
	copy(head[8:], id[:])
	head[28] = byte(len(store))
	copy(head[fileHead:], store)
	binary.BigEndian.PutUint32(head[24:], headerSum(head))
	return head
}

func headerSum(head []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, head[:24]), castagnoli, head[28:])
}

// parseHeader is false if the header is damaged.
func parseHeader(head []byte) (id ID, store string, ok bool) {
	if len(head) < sector || !bytes.HasPrefix(head, []byte(fileMagic)) || binary.BigEndian.Uint32(head[24:]) != headerSum(head[:sector]) {
		return id, "", false
	}
	n := int(head[28])
	if n > sector-fileHead {
		return id, "", false
	}
	return ID(head[8:24]), string(head[fileHead : fileHead+n]), true
}

// ID tells the journal from others.
func (j *Journal) ID() ID { return j.id }

// Seq is the number of the last group.
func (j *Journal) Seq() uint64 { return j.seq.Load() }

// Applied returns up to which number the bbolt file has every group.
func (j *Journal) Applied() uint64 { return j.applied.Load() }

// SetApplied notes that the bbolt file has every group up to a number.
func (j *Journal) SetApplied(seq uint64) { j.applied.Store(seq) }

// Most is how many bytes of one group the journal can hold at all.
const Most = halfSize

// Room reports whether a group of that size fits behind the last one.
func (j *Journal) Room(size int) bool { return j.at+size <= halfSize }

// HalfFull reports whether it is time to change halves.
func (j *Journal) HalfFull() bool { return j.at >= halfSize/2 }

// Append writes one group and waits until it is on disk. It counts once Keep is
// called. Else the next group takes its place, and whether this one is found after a
// crash is not known.
func (j *Journal) Append(ops []Op) error {
	r := record{id: j.id, epoch: j.epoch, base: j.base, seq: j.seq.Load() + 1, applied: j.applied.Load(), ops: ops}
	j.buf = appendRecord(j.buf[:0], r)
	if !j.Room(len(j.buf)) {
		return fmt.Errorf("a group of %d bytes does not fit", len(j.buf))
	}
	offset := int64(sector + j.half*halfSize + j.at)
	if _, err := j.file.WriteAt(j.buf, offset); err != nil {
		return err
	}
	return syncData(j.file)
}

// Keep makes the group that was appended count.
func (j *Journal) Keep() {
	j.at += len(j.buf)
	j.seq.Add(1)
	if cap(j.buf) > keptBuffer {
		j.buf = nil
	}
}

// keptBuffer bounds what is kept from one append to the next, in bytes.
const keptBuffer = 1 << 20

// Rotate goes on in the other half. Every group there must have been applied.
func (j *Journal) Rotate() {
	j.half, j.at = 1-j.half, 0
	j.epoch++
	j.base = j.seq.Load() + 1
}

// Look looks whether the file is still the one at its path, and whole: what is
// appended to a deleted file is lost.
func (j *Journal) Look() error {
	size, away := dbfile.SizeAt(j.path, j.is, "journal")
	switch {
	case away != nil:
		return away
	case size < fileSize:
		return &dbfile.Failure{Path: j.path, What: "the store's journal was cut off"}
	}
	return nil
}

// Descriptor tells how this process can still read the file after it was deleted.
func (j *Journal) Descriptor() string { return dbfile.Descriptor(j.file) }

// Close closes the file. What was not applied is found by the next Read.
func (j *Journal) Close() error { return j.file.Close() }

// Remove takes the file away, if it is still this journal's. Every group must have
// been applied.
func (j *Journal) Remove() error {
	if j.Look() != nil {
		return nil // another file is not ours to remove
	}
	return errors.Join(os.Remove(j.path), dbfile.SyncDir(filepath.Dir(j.path)))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
