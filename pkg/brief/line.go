package brief

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// line makes text from outside one line of at most limit characters: white
// space, line breaks included, folds to one space; control and invisible
// formatting characters go; what is cut off is marked by an ellipsis.
func line(s string, limit int) Outside {
	// Longer than this cannot be shown whole; cutting first bounds the work.
	const slack = 8
	if len(s) > slack*limit {
		s = strings.ToValidUTF8(s[:slack*limit], "") + "…"
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	return Outside(cut(strings.Join(strings.Fields(s), " "), limit))
}

// cut shortens s to limit characters, the last an ellipsis.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	r := []rune(s)
	return strings.TrimSpace(string(r[:limit-1])) + "…"
}

// inline makes text from outside fit to stand between our words: as it is when
// it can only be read as a name or a number, in quotes otherwise.
func inline(s string, limit int) string {
	s = string(line(s, limit))
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) && !strings.ContainsRune("._-/:+%@#", r)
	}) < 0
	if plain {
		return s
	}
	return strconv.Quote(s)
}

// firstSentence is what a title has room for.
func firstSentence(s string, limit int) string {
	if i := strings.Index(s, ". "); i > 0 {
		s = s[:i]
	}
	return cutAtWord(strings.TrimSuffix(s, "."), limit)
}

// cutAtWord is cut at the end of a word, where one ends within the last half.
func cutAtWord(s string, limit int) string {
	short := cut(s, limit)
	if i := strings.LastIndex(short, " "); short != s && i > len(short)/2 {
		return short[:i] + "…"
	}
	return short
}

// clock writes a time for a human.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// until words a deadline: the clock, with the date unless it is today, and how
// long that is from now.
func until(deadline, now time.Time) string {
	deadline, now = deadline.UTC(), now.UTC()
	at := deadline.Format("15:04 UTC")
	if deadline.YearDay() != now.YearDay() || deadline.Year() != now.Year() {
		at = clock(deadline)
	}
	return "until " + at + " (in " + span(deadline.Sub(now)) + ")"
}

// span rounds down: a person must not believe they have longer than they do.
func span(d time.Duration) string {
	switch h, m := int(d/time.Hour), int(d%time.Hour/time.Minute); {
	case h > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case m > 0:
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d s", int(d/time.Second))
}
