package incident

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// canonical writes RFC 8785 canonical JSON of the few shapes that are hashed:
// strings, whole numbers up to 2^53, maps of them, and lists of strings. Every other shape of a
// value is a programmer's error and marks the text, so that no hash matches.
func canonical(v any) string {
	return string(appendCanonical(make([]byte, 0, 1024), v))
}

func appendCanonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendCanonicalString(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case []string:
		b = append(b, '[')
		for i, text := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCanonicalString(b, text)
		}
		return append(b, ']')
	case map[string]string:
		return appendCanonicalMap(b, v, appendCanonicalString)
	case map[string]any:
		return appendCanonicalMap(b, v, appendCanonical)
	default:
		return append(b, "!unsupported"...)
	}
}

func appendCanonicalMap[V any](b []byte, m map[string]V, value func([]byte, V) []byte) []byte {
	var few [16]string // as many names as an event has, without allocating
	names := few[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, compareUTF16)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendCanonicalString(b, name), ':')
		b = value(b, m[name])
	}
	return append(b, '}')
}

// compareUTF16 orders names by their UTF-16 code units, as RFC 8785 §3.2.3 asks.
// That is the order of their characters, except that those beyond U+FFFF begin
// with a surrogate, which stands before U+E000.
func compareUTF16(a, b string) int {
	for a != "" && b != "" {
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x != y {
			return cmp.Or(cmp.Compare(firstUnit(x), firstUnit(y)), cmp.Compare(x, y))
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

// firstUnit is the first UTF-16 code unit of a character.
func firstUnit(r rune) rune {
	if r <= 0xffff {
		return r
	}
	high, _ := utf16.EncodeRune(r)
	return high
}

// appendCanonicalString escapes as RFC 8785 §3.2.2.2: the two-character escapes
// where JSON has them, \u00xx for other controls, everything else as it is. What
// is not UTF-8 becomes U+FFFD.
func appendCanonicalString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError {
				b = append(append(b, s[from:i]...), string(utf8.RuneError)...)
				from = i + n
			}
			i += n
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\f':
			b = append(b, `\f`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
