package dbfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Record is what a file holds under a key of a bucket, as it is stored.
type Record struct {
	Bucket     string
	Key, Value []byte
}

// Contents is what an examination tells of a file.
type Contents struct {
	// Bucket is called before a bucket's records. The sequence is bbolt's.
	Bucket func(name string, sequence uint64)
	// Record is called for every record whose bytes can be told from others; its
	// checksum has still to be looked at. Its slices are good until the call ends.
	Record func(Record)
}

// Examination is what is wrong with a file as such; records are not judged.
type Examination struct {
	// Broken is the damage on which bbolt must not work: it would panic, fault or
	// overwrite good pages. Empty: it may.
	Broken []Flaw
	// LastWriteInDoubt: one of the two pages that name the newest state is damaged.
	// If it was the newer one, the last transaction is missing.
	LastWriteInDoubt bool

	meta     meta
	tornTree bool   // pages that led to others cannot be read
	used     bitmap // pages that hold records, and the list of free ones
	free     bitmap // nil: the list of free pages cannot be relied on
}

// ErrTruncated is in the chain when the end of the file is missing.
var ErrTruncated = errors.New("its end is missing")

// maxBroken bounds how much of a file's damage is told in words.
const maxBroken = 100

// Examine reads a file that nobody writes to. An error means that it is no bbolt
// file or cannot be read, or, with ErrTruncated and an examination of what is left,
// that its end is missing.
func Examine(r io.ReaderAt, size int64, c Contents) (*Examination, error) {
	m, other, err := newestMeta(r, size)
	if err != nil {
		return nil, err
	}
	var truncated error
	if uint64(size)/uint64(m.pageSize) < m.high {
		truncated = fmt.Errorf("%w: it is %d bytes long and should be %d", ErrTruncated, size, m.high*uint64(m.pageSize))
	}
	// Read from end to end first: the walk goes to and fro, which a disk does slowly.
	if _, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, size)); err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	e := &Examination{meta: m, LastWriteInDoubt: !other}
	w := newWalker(r, m, e.visitor(c))
	if err := w.walk(); err != nil {
		return nil, err
	}
	e.used = w.seen
	return e, errors.Join(truncated, e.freelist(w))
}

// examineLive reads a file that this process writes to, as of one read
// transaction: while that is open, nothing of it is overwritten. Free pages are
// bbolt's own business while it works.
func examineLive(r io.ReaderAt, m meta, c Contents) (*Examination, error) {
	e := &Examination{meta: m}
	w := newWalker(r, m, e.visitor(c))
	err := w.walk()
	e.used = w.seen
	return e, err
}

// find returns a value of a file that has not been examined yet, nil if it cannot
// be found.
func find(r io.ReaderAt, size int64, bucket, key string) (value []byte) {
	m, _, err := newestMeta(r, size)
	if err != nil || uint64(size)/uint64(m.pageSize) < m.high {
		return nil
	}
	w := newWalker(r, m, visitor{
		bucket: func(string, uint64) {},
		record: func(_ string, k, v []byte) {
			if string(k) == key {
				value = bytes.Clone(v)
			}
		},
		broken: func(Flaw) {},
	})
	w.only = bucket
	_ = w.walk() // what cannot be read is not found
	return value
}

func (e *Examination) visitor(c Contents) visitor {
	return visitor{
		bucket: c.Bucket,
		record: func(bucket string, key, value []byte) { c.Record(Record{bucket, key, value}) },
		broken: func(f Flaw) { e.tornTree = true; e.breaks(f) },
	}
}

func (e *Examination) breaks(f Flaw) {
	if len(e.Broken) < maxBroken {
		e.Broken = append(e.Broken, f)
	}
}

// newestMeta returns the newest state that the file names, and whether the page
// with the other one is whole too.
func newestMeta(r io.ReaderAt, size int64) (m meta, both bool, err error) {
	var found []meta
	at := func(offset int64) (meta, bool) {
		buf := make([]byte, headerSize+metaSize)
		if n, _ := r.ReadAt(buf, offset); n < len(buf) {
			return meta{}, false
		}
		return parseMeta(buf)
	}
	if m, ok := at(0); ok {
		found = append(found, m)
		if m, ok := at(int64(m.pageSize)); ok {
			found = append(found, m)
		}
	} else {
		// How long a page is stands on the page itself.
		for pageSize := int64(1024); pageSize <= 1<<24 && pageSize < size; pageSize *= 2 {
			if m, ok := at(pageSize); ok && int64(m.pageSize) == pageSize {
				found = append(found, m)
				break
			}
		}
	}
	if len(found) == 0 {
		return m, false, errors.New("it does not begin as a store does")
	}
	m = slices.MaxFunc(found, func(a, b meta) int { return int(int64(a.txid - b.txid)) })
	return m, len(found) == 2, nil
}

// freelist checks the list of free pages: bbolt would overwrite a page that is
// listed and in use.
func (e *Examination) freelist(w *walker) error {
	if e.meta.freelist == noFreelist {
		return nil // bbolt finds the free pages itself, now that the rest is known to be whole
	}
	ids, why := w.freePages(e.meta.freelist)
	if w.err != nil {
		return w.err
	}
	free := newBitmap(e.meta.high)
	last := uint64(1)
	for _, id := range ids {
		if id <= last || id >= e.meta.high || e.used.has(id) {
			why = "lists pages that are in use, or none of the file's"
			break
		}
		last = id
		free.add(id)
	}
	if why != "" {
		e.breaks(Flaw{Page: e.meta.freelist, What: "the list of free pages " + why})
		return nil
	}
	e.free = free
	return nil
}

// freePages returns the list of free pages, or why there is none.
func (w *walker) freePages(id uint64) (ids []uint64, why string) {
	if id < 2 || id >= w.high || w.seen.has(id) {
		return nil, "is in the place of something else"
	}
	data, why := w.span(id, 0)
	if why != "" || w.err != nil {
		return nil, why
	}
	p := parsePage(data)
	for n := range uint64(len(data) / w.pageSize) {
		if w.seen.has(id + n) {
			return nil, "overlaps other pages"
		}
		w.seen.add(id + n)
	}
	list, count := data[headerSize:], uint64(p.count)
	if p.count == 0xFFFF { // too many for the page's head
		list, count = list[8:], binary.NativeEndian.Uint64(list)
	}
	if binary.NativeEndian.Uint64(data) != id || p.kind != kindFreelist || count > uint64(len(list)/8) {
		return nil, "is none"
	}
	for i := range count {
		ids = append(ids, binary.NativeEndian.Uint64(list[i*8:]))
	}
	return ids, ""
}
