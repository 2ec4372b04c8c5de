package dbfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
)

const (
	// maxDepth bounds how many pages lie above a record. Four levels hold ten
	// million records.
	maxDepth = 24
	// maxSpan bounds one page with what it overflows into, in bytes. The largest
	// record, 200 KiB of logs as JSON, takes some 1.2 MiB.
	maxSpan = 64 << 20
)

// Flaw is one thing that is wrong with a file.
type Flaw struct {
	Bucket string // "" where that cannot be told
	Key    []byte // nil: it is not about one record
	Page   uint64 // 0: it is not about one page
	What   string
}

// visitor is told what lies in a file. Keys and values are good until it returns.
type visitor struct {
	bucket func(name string, sequence uint64)
	record func(bucket string, key, value []byte)
	// broken is told what bbolt must not work on.
	broken func(Flaw)
}

// walker reads the pages that a root leads to, each once. It follows nothing that
// it has not checked, so that no bytes make it panic or go round in circles.
type walker struct {
	meta
	r     io.ReaderAt
	seen  bitmap
	pages [maxDepth][]byte // one at each depth
	to    visitor
	only  string // the one bucket to read; "" for all
	err   error  // the first failure to read, after which nothing is followed
}

func newWalker(r io.ReaderAt, m meta, to visitor) *walker {
	w := &walker{meta: m, r: r, seen: newBitmap(m.high), to: to}
	w.seen.add(0)
	w.seen.add(1)
	return w
}

// walk reads every bucket. The error is one of reading, not of what was read.
func (w *walker) walk() error {
	w.tree("", w.root, nil, nil, 0)
	return w.err
}

// tree reads a page and those below it, whose keys lie from low to high. The first
// one is low itself: bbolt finds a page in its parent by it, and would free a page
// twice. The tree of the bucket "" holds the buckets.
func (w *walker) tree(bucket string, id uint64, low, high []byte, depth int) {
	if w.err != nil {
		return
	}
	p, why := w.read(id, depth)
	if w.err != nil {
		return
	}
	if why != "" {
		w.to.broken(Flaw{Bucket: bucket, Page: id, What: why})
		return
	}
	if p.kind == kindLeaf {
		w.leaf(bucket, id, p, low, high, depth)
		return
	}
	w.branch(bucket, id, p, low, high, depth)
}

// read returns a page, or why it is none that can be followed.
func (w *walker) read(id uint64, depth int) (p page, why string) {
	switch {
	case depth >= maxDepth:
		return p, "lies too deep: pages lead to each other in a circle"
	case id < 2 || id >= w.high:
		return p, fmt.Sprintf("is not one of the file's %d pages", w.high)
	case w.seen.has(id):
		return p, "is in use twice"
	}
	data, why := w.span(id, depth)
	if why != "" || w.err != nil {
		return p, why
	}
	p = parsePage(data)
	switch {
	case binary.NativeEndian.Uint64(data) != id:
		return p, fmt.Sprintf("says that it is page %d", binary.NativeEndian.Uint64(data))
	case p.kind != kindLeaf && p.kind != kindBranch:
		return p, fmt.Sprintf("is of kind %#x, which holds no records", p.kind)
	case !p.fits(), p.count == 0 && (depth > 1 || p.kind == kindBranch):
		return p, fmt.Sprintf("claims %d elements", p.count)
	}
	for n := range uint64(len(data) / w.pageSize) {
		if w.seen.has(id + n) {
			return p, "overlaps another one"
		}
	}
	for n := range uint64(len(data) / w.pageSize) {
		w.seen.add(id + n)
	}
	return p, ""
}

// span reads a page and what it overflows into.
func (w *walker) span(id uint64, depth int) (data []byte, why string) {
	data, why = w.bytes(id, 0, w.pageSize, depth)
	if data == nil {
		return nil, why
	}
	more := uint64(binary.NativeEndian.Uint32(data[12:]))
	switch {
	case more == 0:
		return data, ""
	case id+more >= w.high, more >= uint64(maxSpan/w.pageSize):
		return nil, fmt.Sprintf("claims %d pages more", more)
	}
	return w.bytes(id, w.pageSize, int(more+1)*w.pageSize, depth)
}

// bytes reads a span from the byte from to the byte to; what lies before it has
// been read. It is nil if that cannot be read, and then why or the walker's error says
// the reason.
func (w *walker) bytes(id uint64, from, to, depth int) (data []byte, why string) {
	buf := slices.Grow(w.pages[depth][:from], to-from)[:to]
	w.pages[depth] = buf
	n, err := w.r.ReadAt(buf[from:], int64(id)*int64(w.pageSize)+int64(from))
	switch {
	case n == to-from:
		return buf, ""
	case err == nil, errors.Is(err, io.EOF):
		return nil, "lies beyond the end of the file"
	}
	w.err = fmt.Errorf("read page %d: %w", id, err)
	return nil, ""
}

// leaf tells the records of a page, also of one that is broken, as far as they can
// be told apart: the checksums say which are good.
func (w *walker) leaf(bucket string, id uint64, p page, low, high []byte, depth int) {
	disorder, lost := false, 0
	for i := range p.count {
		key, value, isBucket, ok := p.leaf(i)
		if !ok || isBucket != (bucket == "") || isBucket && len(value) < bucketSize {
			lost++
			continue
		}
		if follows(key, low, i) && (high == nil || bytes.Compare(key, high) < 0) {
			low = key
		} else {
			disorder = true
		}
		if isBucket {
			w.subtree(string(key), value, id, depth)
			continue
		}
		w.to.record(bucket, key, value)
	}
	if lost > 0 {
		w.to.broken(Flaw{Bucket: bucket, Page: id, What: fmt.Sprintf("%d of its %d records cannot be told apart", lost, p.count)})
	}
	if disorder {
		w.to.broken(Flaw{Bucket: bucket, Page: id, What: "its keys are not in order"})
	}
}

// subtree reads a bucket: a small one lies whole in the value of its element.
func (w *walker) subtree(name string, value []byte, id uint64, depth int) {
	if w.only != "" && w.only != name {
		return
	}
	root, sequence := binary.NativeEndian.Uint64(value), binary.NativeEndian.Uint64(value[8:])
	w.to.bucket(name, sequence)
	if root != 0 {
		w.tree(name, root, nil, nil, depth+1)
		return
	}
	if len(value) < bucketSize+headerSize {
		w.to.broken(Flaw{Bucket: name, Page: id, What: "holds the bucket, whose page is cut off"})
		return
	}
	p := parsePage(value[bucketSize:])
	if p.kind != kindLeaf || !p.fits() {
		w.to.broken(Flaw{Bucket: name, Page: id, What: "holds the bucket, whose page is none"})
		return
	}
	w.leaf(name, id, p, nil, nil, depth)
}

func (w *walker) branch(bucket string, id uint64, p page, low, high []byte, depth int) {
	disorder, lost := false, 0
	for i := range p.count {
		key, child, ok := p.branch(i)
		if !ok {
			lost++
			continue
		}
		if !follows(key, low, i) || high != nil && bytes.Compare(key, high) >= 0 {
			disorder = true
		}
		// The next element's key bounds this one's keys. A bad one only makes the
		// child's keys seem out of order, in a file that is broken anyway.
		end := high
		if i+1 < p.count {
			if next, _, ok := p.branch(i + 1); ok {
				end = next
			}
		}
		w.tree(bucket, child, key, end, depth+1)
		low = key
	}
	if lost > 0 {
		w.to.broken(Flaw{Bucket: bucket, Page: id, What: fmt.Sprintf("%d of its %d pages cannot be told", lost, p.count)})
	}
	if disorder {
		w.to.broken(Flaw{Bucket: bucket, Page: id, What: "its pages are not in order"})
	}
}

// follows reports whether element i of a page may have a key: the first one has the
// key that led to the page, nil if none did, and each other one a higher key than the
// one before.
func follows(key, low []byte, i int) bool {
	if i == 0 {
		return low == nil || bytes.Equal(low, key)
	}
	return bytes.Compare(low, key) < 0
}

// bitmap is a set of pages.
type bitmap []uint64

func newBitmap(n uint64) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) has(id uint64) bool { return b[id/64]&(1<<(id%64)) != 0 }
func (b bitmap) add(id uint64)      { b[id/64] |= 1 << (id % 64) }

func (b bitmap) count() (n uint64) {
	for _, word := range b {
		n += uint64(bits.OnesCount64(word))
	}
	return n
}
