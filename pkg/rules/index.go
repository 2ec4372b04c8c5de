package rules

import "encoding/binary"

// index finds many phrases in one pass over a text. Each phrase is filed under the hash of four of its bytes, those
// that fewest other phrases have; wherever the text has four bytes of that hash, the phrase is compared. So the time
// does not grow with the number of phrases as long as their rarest bytes are rare in logs too.
type index struct {
	phrases []phrase
	has     [anchorBits / 64]uint64 // small enough to stay in the first cache
	at      map[uint16][]anchored
}

// phrase is in lower case and of at least minPhrase bytes.
type phrase struct {
	text     string
	patterns []int // that ask for it
}

type anchored struct{ phrase, offset int }

const anchorBits = 1 << 16

func anchorHash(four uint32) uint16 { return uint16(four * 2654435761 >> 16) }

func newIndex(all []phrase) index {
	x := index{at: map[uint16][]anchored{}}
	byText := map[string]int{}
	for _, p := range all {
		if i, known := byText[p.text]; known {
			x.phrases[i].patterns = append(x.phrases[i].patterns, p.patterns...)
			continue
		}
		byText[p.text] = len(x.phrases)
		x.phrases = append(x.phrases, p)
	}
	common := map[uint16]int{}
	for _, p := range x.phrases {
		for i := 0; i+minPhrase <= len(p.text); i++ {
			common[anchorHash(four(p.text, i))]++
		}
	}
	for n, p := range x.phrases {
		best, least := 0, -1
		for i := 0; i+minPhrase <= len(p.text); i++ {
			if c := common[anchorHash(four(p.text, i))]; least < 0 || c < least {
				best, least = i, c
			}
		}
		h := anchorHash(four(p.text, best))
		x.has[h/64] |= 1 << (h % 64)
		x.at[h] = append(x.at[h], anchored{n, best})
	}
	return x
}

func four(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

// scan calls found for each phrase of the text, the last one first, with where it begins, and returns how many bytes it
// compared. The text is in lower case.
func (x *index) scan(low []byte, found func(phrase *phrase, at int)) (steps int) {
	for i := len(low) - minPhrase; i >= 0; i-- {
		h := anchorHash(binary.LittleEndian.Uint32(low[i:]))
		if x.has[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, a := range x.at[h] {
			p := &x.phrases[a.phrase]
			start := i - a.offset
			if start < 0 || start+len(p.text) > len(low) || string(low[start:start+len(p.text)]) != p.text {
				continue
			}
			steps += len(p.text)
			found(p, start)
		}
	}
	return steps + len(low)
}

// lower returns s with A to Z in lower case. Offsets in it are offsets in s, which strings.ToLower would not promise.
func lower(s string) []byte {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return b
}
