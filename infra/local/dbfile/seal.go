package dbfile

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// ErrDamaged is in the chain of every error that says that stored bytes are not
// those that were written.
var ErrDamaged = errors.New("the checksum does not match")

// A sealed value is one byte of format, the value, and four bytes of CRC-32C, big
// endian, over the bucket's name, the key, the format and the value.
const (
	sealFormat = 2 // no value of the first layout begins with this byte
	sealSize   = 1 + crc32.Size
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal makes and checks the checksums of one bucket's records. Seals can be
// compared and copied; the zero value is the seal of no bucket.
type Seal struct {
	bucket string
	seed   uint32 // the checksum over the bucket's name
}

// NewSeal returns the seal of a bucket.
func NewSeal(bucket string) Seal {
	return Seal{bucket, crc32.Update(0, castagnoli, append([]byte(bucket), 0))}
}

// Bucket returns the bucket's name.
func (s Seal) Bucket() string { return s.bucket }

// Close returns what is stored for a value.
func (s Seal) Close(key, value []byte) []byte {
	stored := make([]byte, 0, len(value)+sealSize)
	stored = append(append(stored, sealFormat), value...)
	return binary.BigEndian.AppendUint32(stored, s.sum(key, stored))
}

// Open returns the value that was stored for a key. The error is ErrDamaged. The
// value is a part of stored.
func (s Seal) Open(key, stored []byte) ([]byte, error) {
	n := len(stored) - crc32.Size
	if n < 1 || stored[0] != sealFormat || binary.BigEndian.Uint32(stored[n:]) != s.sum(key, stored[:n]) {
		return nil, ErrDamaged
	}
	return stored[1:n], nil
}

// Sealed reports whether stored claims to have a checksum. What the first layout
// wrote does not.
func Sealed(stored []byte) bool {
	return len(stored) >= sealSize && stored[0] == sealFormat
}

func (s Seal) sum(key, stored []byte) uint32 {
	var length [4]byte // keeps a key's end apart from the value's beginning
	binary.BigEndian.PutUint32(length[:], uint32(len(key)))
	sum := crc32.Update(s.seed, castagnoli, length[:])
	return crc32.Update(crc32.Update(sum, castagnoli, key), castagnoli, stored)
}
