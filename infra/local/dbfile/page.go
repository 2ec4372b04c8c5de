package dbfile

import (
	"encoding/binary"
	"hash/fnv"
)

// bbolt's format, as its version 2 files have it on every machine: numbers lie in
// the machine's own byte order. A page begins with its number, its kind, how many
// elements it has, and how many pages more it takes. The elements follow, and then
// their keys and values; an element tells where its own lie, counted from itself.
const (
	headerSize  = 16
	elementSize = 16
	bucketSize  = 16 // a bucket's value: its root page and its sequence; an inline bucket's page follows

	kindBranch   = 0x01
	kindLeaf     = 0x02
	kindFreelist = 0x10

	flagBucket = 0x01 // of an element: its value is a bucket

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64
	noFreelist  = ^uint64(0)
)

// page is a page with what it overflows into. Nothing in it has been believed yet.
type page struct {
	kind  uint16
	count int
	data  []byte
}

func parsePage(data []byte) page {
	return page{binary.NativeEndian.Uint16(data[8:]), int(binary.NativeEndian.Uint16(data[10:])), data}
}

// room returns how many elements there are by the place of the first one's key: keys
// and values begin where the elements end. A damaged count shows by it.
func (p page) room() int {
	at := headerSize // of the first element's position
	if p.kind != kindBranch {
		at += 4
	}
	if len(p.data) < headerSize+elementSize {
		return 0
	}
	return int(binary.NativeEndian.Uint32(p.data[at:]) / elementSize)
}

// fits reports whether the page has the elements that it claims to have.
func (p page) fits() bool {
	return headerSize+p.count*elementSize <= len(p.data) && p.count == p.room()
}

// part returns length bytes at pos behind element i. It is false if they do not
// lie behind the elements and within the page.
func (p page) part(i int, pos, length uint32) ([]byte, bool) {
	begin := uint64(headerSize+i*elementSize) + uint64(pos)
	end := begin + uint64(length)
	if begin < uint64(headerSize+p.count*elementSize) || end > uint64(len(p.data)) {
		return nil, false
	}
	return p.data[begin:end:end], true
}

// leaf returns element i of a leaf page.
func (p page) leaf(i int) (key, value []byte, bucket, ok bool) {
	e := p.data[headerSize+i*elementSize:]
	flags, pos := binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:])
	keySize, valueSize := binary.NativeEndian.Uint32(e[8:]), binary.NativeEndian.Uint32(e[12:])
	if keySize == 0 || flags&^flagBucket != 0 || uint64(keySize)+uint64(valueSize) > uint64(len(p.data)) {
		return nil, nil, false, false
	}
	both, ok := p.part(i, pos, keySize+valueSize)
	if !ok {
		return nil, nil, false, false
	}
	return both[:keySize:keySize], both[keySize:], flags == flagBucket, true
}

// branch returns element i of a branch page.
func (p page) branch(i int) (key []byte, child uint64, ok bool) {
	e := p.data[headerSize+i*elementSize:]
	pos, keySize := binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:])
	child = binary.NativeEndian.Uint64(e[8:])
	key, ok = p.part(i, pos, keySize)
	return key, child, ok && keySize > 0
}

// meta is what one of the two first pages says about the rest of the file.
type meta struct {
	pageSize             int
	root, freelist, high uint64 // high: pages below it are in use or free
	txid                 uint64
}

// parseMeta is false if the page is damaged.
func parseMeta(data []byte) (m meta, ok bool) {
	if len(data) < headerSize+metaSize {
		return m, false
	}
	data = data[headerSize : headerSize+metaSize]
	sum := fnv.New64a()
	sum.Write(data[:metaSize-8])
	if binary.NativeEndian.Uint32(data) != metaMagic || binary.NativeEndian.Uint32(data[4:]) != metaVersion ||
		binary.NativeEndian.Uint64(data[56:]) != sum.Sum64() {
		return m, false
	}
	m = meta{
		pageSize: int(binary.NativeEndian.Uint32(data[8:])), root: binary.NativeEndian.Uint64(data[16:]),
		freelist: binary.NativeEndian.Uint64(data[32:]), high: binary.NativeEndian.Uint64(data[40:]), txid: binary.NativeEndian.Uint64(data[48:]),
	}
	return m, m.pageSize >= 1024 && m.pageSize <= 1<<24 && m.pageSize&(m.pageSize-1) == 0
}
