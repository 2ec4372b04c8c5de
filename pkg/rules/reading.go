package rules

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// reading is one log while signatures are looked for. The log is hostile, so all of it must take time linear in its
// length. Whatever reads a stretch of unknown length is therefore a method that adds the length to steps, and tests
// compare the sums of short and long logs.
type reading struct {
	logs  string
	low   string // logs in lower case
	seen  grams  // of low
	steps int    // bytes that were read
}

// hit is a matching line: logs[start:end], with the phrase at at.
type hit struct{ start, at, end int }

// find returns the lines of the log that show the signature.
func (r *reading) find(s *signature) []string {
	var hits []hit
	for i := range s.clues {
		if r.seen.mayHold(s.clues[i].grams) {
			hits = r.findClue(&s.clues[i], hits)
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return a.at - b.at })
	var lines []string
	for _, h := range hits {
		line := r.cut(h)
		if len(lines) < MaxLines && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// findClue adds the lines that hold the clue. It looks at each line once and stops after a few: a log that repeats
// itself proves nothing more.
func (r *reading) findClue(c *clue, hits []hit) []hit {
	const enough = 2 * MaxLines
	found := 0
	for from := 0; found < enough; {
		at := r.phrase(from, c.phrase)
		if at < 0 {
			break
		}
		start, end := r.lineStart(from, at), r.lineEnd(at)
		if r.holds(c, start, at, end) {
			hits = append(hits, hit{start, at, end})
			found++
		}
		from = min(end+1, len(r.low))
	}
	return hits
}

// phrase returns where the phrase is, at from or after it; -1: nowhere.
func (r *reading) phrase(from int, phrase string) int {
	n := strings.Index(r.low[from:], phrase)
	if n < 0 {
		r.steps += len(r.low) - from
		return -1
	}
	r.steps += n + len(phrase)
	return from + n
}

// lineStart returns where the line of at begins; from is the beginning of a line before it.
func (r *reading) lineStart(from, at int) int {
	start := from + strings.LastIndexByte(r.low[from:at], '\n') + 1
	r.steps += at - start + 1
	return start
}

// lineEnd returns where the line of at ends, without its line feed.
func (r *reading) lineEnd(at int) int {
	n := strings.IndexByte(r.low[at:], '\n')
	if n < 0 {
		n = len(r.low) - at
	}
	r.steps += n + 1
	return at + n
}

// holds tells whether a line, with the phrase at at, is text and bears the clue out. Patterns take time linear in what
// they are held against.
func (r *reading) holds(c *clue, start, at, end int) bool {
	r.steps += end - start
	return c.holds(r.low[start:end], at-start) && utf8.ValidString(r.logs[start:end])
}

// cut returns the line of h, without the space around it, and no more than MaxLineLength characters of it. It begins as
// far before the phrase as leaves most of the room for what comes after.
func (r *reading) cut(h hit) string {
	r.steps += h.end - h.start
	logs := r.logs
	line := strings.TrimSpace(logs[h.start:h.end])
	if utf8.RuneCountInString(line) <= MaxLineLength {
		return line
	}
	start := h.at
	for n := 0; n < MaxLineLength/5 && start > h.start; n++ {
		_, size := utf8.DecodeLastRuneInString(logs[h.start:start])
		start -= size
	}
	end := start
	for n := 0; n < MaxLineLength && end < h.end; n++ {
		_, size := utf8.DecodeRuneInString(logs[end:h.end])
		end += size
	}
	return strings.TrimSpace(logs[start:end])
}
