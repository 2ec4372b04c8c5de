package incident

import (
	"strings"
	"unicode/utf8"
)

// colons: an IPv6 address, a MAC address, or a longer row of hex pairs.
func colons(c string) bool {
	return strings.Count(c, ":") >= 2 && strings.Trim(c, "0123456789abcdefABCDEF:.%/") == "" && (strings.Contains(c, "::") || strings.ContainsAny(c, "abcdefABCDEF"))
}

func uuid(c string) bool {
	return len(c) == 36 && c[8] == '-' && c[13] == '-' && c[18] == '-' && c[23] == '-' && strings.Trim(c, "0123456789abcdefABCDEF-") == ""
}

// base64: long text of that alphabet whose letters and digits follow no word.
func base64(c string) bool {
	const least = 16
	if len(c) < least || strings.Contains(c, "//") {
		return false
	}
	upper, lower, digits, runs, marks := 0, 0, 0, 0, 0
	for i := range len(c) {
		switch b := c[i]; {
		case b >= 'A' && b <= 'Z':
			upper++
		case b >= 'a' && b <= 'z':
			lower++
		case digit(b):
			digits++
			if i == 0 || !digit(c[i-1]) {
				runs++
			}
		case strings.IndexByte("+/-_", b) >= 0:
			marks++
		default:
			return false
		}
	}
	return upper > 0 && lower > 0 && marks*4 <= len(c) && (runs >= 3 || !wordy(c, mixed))
}

// random reports whether a piece of letters and digits is an id as a whole.
func random(p string) bool {
	digits, runs, hex := 0, 0, true
	for i := range len(p) {
		if digit(p[i]) {
			digits++
			if i == 0 || !digit(p[i-1]) {
				runs++
			}
		}
		hex = hex && (digit(p[i]) || p[i]|0x20 >= 'a' && p[i]|0x20 <= 'f')
	}
	letters := len(p) - digits
	switch {
	case !utf8.ValidString(p), p == "":
		return false
	case letters == 0:
		return true
	case hex && digits > 0 && len(p) >= 4: // deadbeef1 and c0ffee42, not face
		return true
	case strings.HasPrefix(p, "0x") && strings.Trim(p[2:], "0123456789abcdefABCDEF") == "":
		return true
	case runs >= 2 && len(p) >= 5: // 7F3K9Q
		return true
	case digits > 0 && len(p) >= 6 && !named(p) && strings.ToUpper(p) == p && !wordy(p, mixed): // AB12CD
		return true
	}
	return letters >= 8 && !wordy(p, letterful)
}

// named: a short name and a number, such as HTTP500 or SHA256.
func named(p string) bool {
	name := strings.TrimRight(p, "0123456789")
	return len(name) <= 5 && strings.Trim(name, "0123456789") == name
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// How many of a hundred pairs of letters must be common for text to count as words: more
// where it has digits or mixed case too, which ids have.
const (
	letterful = 62
	mixed     = 75
)

// wordy reports whether text reads like words: whether its letters follow each other
// as they do in English and in the names that programs use. Of such text nine pairs of
// ten are common, of random letters three.
func wordy(text string, least int) bool {
	pairs, common := 0, 0
	for i := 1; i < len(text); i++ {
		a, b := text[i-1]|0x20, text[i]|0x20
		if a < 'a' || a > 'z' || b < 'a' || b > 'z' {
			continue
		}
		if lower(text[i-1]) && !lower(text[i]) { // a hump begins: fooBar
			continue
		}
		pairs++
		if strings.IndexByte(followers(a), b) >= 0 {
			common++
		}
	}
	return pairs > 0 && common*100 >= pairs*least
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }

// followers are the letters that often follow a letter: the 198 commonest pairs of the
// words of public logs and of this repository, nine of ten pairs in them.
func followers(first byte) string {
	return [...]string{
		"abcdgilmnprstuxy", "aelo", "acehiklortu", "aeiosu", "acdefglmnpqrstvwxy", "aefiou", "eir", "aeio", "bcdefglmnoprstvx", "",
		"eis", "adeilostuy", "aeiop", "acdefginost", "acdfgklmnoprstuvw", "aeiloprstu", "u", "acdeimnorstuvy", "acehikopstuy",
		"acehiorstuy", "celmnprst", "aei", "aeio", "et", "ps", "",
	}[first-'a']
}
