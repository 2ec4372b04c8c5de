package rules

// grams is the set of three-byte sequences of a text, hashed. A phrase that holds one not in the set is not in the text:
// so the text is read once instead of once for each of some hundreds of phrases.
type grams [gramBits / 64]uint64

// gramBits is large against the few thousand different sequences that logs are made of, and small enough for the stack.
const gramBits = 1 << 15

func gramHash(a, b, c byte) uint16 {
	return uint16((uint32(a)<<16 | uint32(b)<<8 | uint32(c)) * 2654435761 >> 17)
}

// gramsOf returns the hashes of the sequences of s, each as often as it occurs.
func gramsOf(s string) []uint16 {
	hashes := make([]uint16, 0, len(s))
	for i := 2; i < len(s); i++ {
		hashes = append(hashes, gramHash(s[i-2], s[i-1], s[i]))
	}
	return hashes
}

// read adds the sequences of s.
func (g *grams) read(s string) {
	for i := 2; i < len(s); i++ {
		h := gramHash(s[i-2], s[i-1], s[i])
		g[h/64] |= 1 << (h % 64)
	}
}

// mayHold tells whether all the hashes are in the set; if not, the text they were taken from is not part of it.
func (g *grams) mayHold(hashes []uint16) bool {
	for _, h := range hashes {
		if g[h/64]&(1<<(h%64)) == 0 {
			return false
		}
	}
	return true
}
