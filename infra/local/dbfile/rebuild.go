package dbfile

import (
	"bytes"
	"errors"
	"io"
	"os"

	"go.etcd.io/bbolt"
)

// batchSize is how many bytes one transaction of a rebuild writes, about.
const batchSize = 4 << 20

// Loss is how much of a file a rebuild could not read, in pages.
type Loss struct {
	Pages, InUse uint64
	// Unknown: pages that led to others are damaged and the list of free ones is too, so
	// that what they led to cannot be told from a free page's leavings.
	Unknown bool
}

// Keep says what a rebuild copies.
type Keep struct {
	// Record says which bucket a record goes to, and whether it is good. The bucket of
	// a record is "" where the pages that led to it are lost.
	Record func(Record) (bucket string, ok bool)
	// Leaving, if given, says the same of what lies on pages that may be free: it may
	// have been replaced or deleted long ago. Without it, such pages are not read.
	Leaving func(Record) (bucket string, ok bool)
	// Newer chooses between two values of one key.
	Newer func(bucket string, old, other []byte) bool
}

// Rebuild copies what can be read of an examined file into a new one.
func Rebuild(from io.ReaderAt, e *Examination, to string, keep Keep) (loss Loss, err error) {
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return loss, err
	}
	db, err := bbolt.Open(to, 0o600, &bbolt.Options{Timeout: lockPatience, FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		return loss, err
	}
	c := &copier{db: db, keep: keep.Record, newer: keep.Newer, sequences: map[string]uint64{}}
	w := newWalker(from, e.meta, visitor{
		bucket: func(name string, sequence uint64) { c.sequences[name] = sequence },
		record: func(bucket string, key, value []byte) { c.add(Record{bucket, key, value}) },
		broken: func(Flaw) {},
	})
	err = w.walk()
	if err == nil {
		loss, err = c.orphans(w, e, keep.Leaving)
	}
	if err = errors.Join(err, c.flush(), c.finish()); err == nil {
		err = db.Sync()
	}
	return loss, errors.Join(err, db.Close())
}

// copier collects records and writes them together.
type copier struct {
	db        *bbolt.DB
	keep      func(Record) (string, bool)
	newer     func(bucket string, old, other []byte) bool
	sequences map[string]uint64
	batch     []Record
	size      int
	added     int
	err       error
}

func (c *copier) add(r Record) {
	bucket, ok := c.keep(r)
	if !ok || c.err != nil {
		return
	}
	c.added++
	c.batch = append(c.batch, Record{bucket, bytes.Clone(r.Key), bytes.Clone(r.Value)})
	if c.size += len(r.Key) + len(r.Value); c.size >= batchSize {
		c.err = c.flush()
	}
}

func (c *copier) flush() error {
	if c.err != nil {
		return c.err
	}
	err := c.db.Update(func(tx *bbolt.Tx) error {
		for _, r := range c.batch {
			b, err := tx.CreateBucketIfNotExists([]byte(r.Bucket))
			if err != nil {
				return err
			}
			b.FillPercent = 0.9
			if old := b.Get(r.Key); old != nil && !c.newer(r.Bucket, old, r.Value) {
				continue
			}
			if err := b.Put(r.Key, r.Value); err != nil {
				return err
			}
		}
		return nil
	})
	c.batch, c.size = c.batch[:0], 0
	return err
}

// finish gives the buckets their sequences.
func (c *copier) finish() error {
	return c.db.Update(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return b.SetSequence(c.sequences[string(name)]) })
	})
}

// orphans finds the records on pages that are in use, but that no page leads to.
func (c *copier) orphans(w *walker, e *Examination, leaving func(Record) (string, bool)) (loss Loss, err error) {
	loss.InUse = e.used.count()
	if e.free == nil {
		loss.Unknown = e.tornTree
		if c.keep = leaving; leaving == nil {
			return loss, nil
		}
	}
	for id := uint64(2); id < e.meta.high; id++ {
		if e.free != nil && e.free.has(id) || e.used.has(id) {
			continue
		}
		data, _ := w.span(id, 0)
		if data == nil {
			data, _ = w.bytes(id, 0, w.pageSize, 0)
		}
		if w.err != nil {
			return loss, w.err
		}
		before, pages := c.added, uint64(1)
		if data != nil {
			c.leaf(data)
		}
		if c.added > before {
			pages = uint64(len(data) / w.pageSize)
			id += pages - 1
		} else {
			loss.Pages++
		}
		loss.InUse += pages
	}
	return loss, nil
}

// leaf adds what can be told of a page whose head may be damaged.
func (c *copier) leaf(data []byte) {
	p := page{kindLeaf, 0, data}
	p.count = p.room()
	if !p.fits() {
		return
	}
	for i := range p.count {
		key, value, bucket, ok := p.leaf(i)
		switch {
		case ok && !bucket:
			c.add(Record{"", key, value})
		case ok && len(value) >= bucketSize+headerSize: // a small bucket, which lies in here whole
			c.leaf(value[bucketSize:])
		}
	}
}
