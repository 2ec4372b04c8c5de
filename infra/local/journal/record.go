package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Kind says what an Op does.
type Kind byte

// What is stored; the numbers stand in the file.
const (
	Put      Kind = 1
	Delete   Kind = 2
	Sequence Kind = 3 // the bucket's sequence becomes Value, 8 bytes, big endian
)

// Op is one physical change of a bbolt bucket. Doing it twice does no harm.
type Op struct {
	Kind       Kind
	Bucket     string
	Key, Value []byte
}

// ID tells one journal from any other. Nobody outside knows it, so nothing that a
// sender wrote can pass for a record.
type ID [16]byte

// record is one group of writes.
type record struct {
	id      ID
	epoch   uint64 // of the half, when it was written
	base    uint64 // the first number of that epoch
	seq     uint64 // one more than the group before
	applied uint64 // up to which number the bbolt file had them all
	ops     []Op
	size    int // with the padding
}

// A record is a header of 64 bytes, big endian, and the ops; zeros fill its last
// sector. Records begin on sectors, so that a torn write of one leaves the one
// before it alone.
//
//	0 magic 8, 8 id 16, 24 epoch 8, 32 base 8, 40 seq 8, 48 applied 8,
//	56 length of the ops 4, 60 CRC-32C of all before and of the ops 4
const (
	recordMagic = "OPSGREC1"
	recordHead  = 64
	sector      = 512
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errNone = errors.New("there is no whole record here")

// appendRecord adds the record to a buffer that ends on a sector.
func appendRecord(buf []byte, r record) []byte {
	begin := len(buf)
	buf = append(buf, recordMagic...)
	buf = append(buf, r.id[:]...)
	for _, n := range []uint64{r.epoch, r.base, r.seq, r.applied} {
		buf = binary.BigEndian.AppendUint64(buf, n)
	}
	buf = append(buf, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, op := range r.ops {
		buf = append(buf, byte(op.Kind))
		buf = appendText(buf, op.Bucket)
		buf = appendText(buf, op.Key)
		if op.Kind != Delete {
			buf = appendText(buf, op.Value)
		}
	}
	head, ops := buf[begin:begin+recordHead], buf[begin+recordHead:]
	binary.BigEndian.PutUint32(head[56:], uint32(len(ops)))
	binary.BigEndian.PutUint32(head[60:], sum(head, ops))
	return append(buf, make([]byte, padded(len(buf)-begin)-(len(buf)-begin))...)
}

func appendText[T string | []byte](buf []byte, text T) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(text))), text...)
}

func padded(n int) int { return (n + sector - 1) / sector * sector }

func sum(head, ops []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, head[:60]), castagnoli, ops)
}

// parseHead reads a record's header, which has not been checked. It is false if
// there is none of this journal.
func parseHead(b []byte, id ID) (r record, length int, ok bool) {
	if len(b) < recordHead || string(b[:8]) != recordMagic || !bytes.Equal(b[8:24], id[:]) {
		return r, 0, false
	}
	u64 := binary.BigEndian.Uint64
	r = record{id: id, epoch: u64(b[24:]), base: u64(b[32:]), seq: u64(b[40:]), applied: u64(b[48:])}
	return r, int(binary.BigEndian.Uint32(b[56:])), true
}

// parseRecord reads the record that begins at b. Its slices are parts of b.
func parseRecord(b []byte, id ID) (record, error) {
	r, length, ok := parseHead(b, id)
	if !ok || length > len(b)-recordHead {
		return r, errNone
	}
	head, ops := b[:recordHead], b[recordHead:recordHead+length]
	if binary.BigEndian.Uint32(head[60:]) != sum(head, ops) {
		return r, errNone
	}
	var err error
	r.ops, err = parseOps(ops)
	r.size = padded(recordHead + length)
	return r, err
}

func parseOps(b []byte) (ops []Op, err error) {
	for len(b) > 0 {
		op := Op{Kind: Kind(b[0])}
		var bucket []byte
		if bucket, b, err = cutText(b[1:]); err != nil {
			return nil, err
		}
		op.Bucket = string(bucket)
		if op.Key, b, err = cutText(b); err != nil {
			return nil, err
		}
		switch op.Kind {
		case Put, Sequence:
			if op.Value, b, err = cutText(b); err != nil {
				return nil, err
			}
		case Delete:
		default:
			return nil, errNone
		}
		if op.Kind == Sequence && len(op.Value) != 8 || op.Bucket == "" || op.Kind != Sequence && len(op.Key) == 0 {
			return nil, errNone
		}
		ops = append(ops, op)
	}
	return ops, nil
}

func cutText(b []byte) (text, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, errNone
	}
	end := size + int(n)
	return b[size:end:end], b[end:], nil
}

// Size returns how many bytes a group takes in the file.
func Size(ops []Op) int {
	n := recordHead
	for _, op := range ops {
		n += 1 + textSize(len(op.Bucket)) + textSize(len(op.Key))
		if op.Kind != Delete {
			n += textSize(len(op.Value))
		}
	}
	return padded(n)
}

func textSize(n int) int {
	var buf [binary.MaxVarintLen64]byte
	return binary.PutUvarint(buf[:], uint64(n)) + n
}
