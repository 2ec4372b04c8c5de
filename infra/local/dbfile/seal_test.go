package dbfile

import (
	"bytes"
	"errors"
	"testing"
)

func FuzzASealBindsBucketKeyAndValue(f *testing.F) {
	f.Add("incidents", []byte("default\x00INC-1"), []byte(`{"a":1}`), uint16(3), byte(1))
	f.Add("status", []byte("k"), []byte{}, uint16(0), byte(0x80))
	f.Fuzz(func(t *testing.T, bucket string, key, value []byte, at uint16, flip byte) {
		s := NewSeal(bucket)
		stored := s.Close(key, value)
		got, err := s.Open(key, stored)
		if err != nil || !bytes.Equal(got, value) || !Sealed(stored) {
			t.Fatalf("%q: %q, %v", value, got, err)
		}
		refuse := func(what string, s Seal, key, stored []byte) {
			if _, err := s.Open(key, stored); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s was not noticed: %v", what, err)
			}
		}
		refuse("another bucket", NewSeal(bucket+"x"), key, stored)
		refuse("a longer key", s, append(bytes.Clone(key), 0), stored)
		refuse("a cut value", s, key, stored[:len(stored)-1])
		if flip != 0 {
			bad := bytes.Clone(stored)
			bad[int(at)%len(bad)] ^= flip
			refuse("a flipped byte", s, key, bad)
			if len(key) > 0 {
				other := bytes.Clone(key)
				other[int(at)%len(other)] ^= flip
				refuse("a flipped byte of the key", s, other, stored)
			}
		}
	})
}
