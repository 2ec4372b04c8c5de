package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Match is a rule that matches, and what shows it.
type Match struct {
	Rule *Rule
	// Whose trouble it is: Self, a kind, or Elsewhere; never Address.
	Whose string
	// Dependency is the service of dependsOn that is in trouble, or "".
	Dependency string
	Hits       []Hit // in the order of what was judged: logs, then findings
}

// Hit is a line that shows a rule.
type Hit struct {
	Cite   string // "L12" or "F3"
	Line   string // without the space around it, cut to MaxLineLength around what matched
	Phrase string // the phrase that was found
	Weak   string // why the line proves little; "": it counts

	service string // the other service that a finding is about; "": the incident's own
}

// Weak reports that only lines that prove little show it.
func (m *Match) Weak() bool {
	return !slices.ContainsFunc(m.Hits, func(h Hit) bool { return h.Weak == "" })
}

// Matches returns every rule that matches, the one that explains the others first.
func (b *Book) Matches(in Input) []*Match {
	found := make([][]Hit, len(b.patterns))
	for _, h := range b.look(in.Logs) {
		h.Cite = fmt.Sprintf("L%d", h.line)
		found[h.pattern] = append(found[h.pattern], h.Hit)
	}
	for _, f := range in.Findings {
		for _, h := range b.look(f.Text) {
			h.Cite, h.service = f.ID, f.Service
			if f.Service == in.Service {
				h.service = ""
			}
			found[h.pattern] = append(found[h.pattern], h.Hit)
		}
	}
	var all []*Match
	for i, s := range b.of {
		if hits, ok := s.of(found); ok {
			m := &Match{Rule: &b.rules[i], Hits: hits}
			m.Whose, m.Dependency = m.whose(in)
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b *Match) int {
		return cmp.Or(compareBool(a.Weak(), b.Weak()), cmp.Compare(a.Rule.Rank, b.Rule.Rank))
	})
	return all
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// of returns the hits of a rule, if all that it asks for is there.
func (s span) of(found [][]Hit) ([]Hit, bool) {
	var hits []Hit
	for _, some := range found[s.any:s.all] {
		hits = append(hits, some...)
	}
	if s.all > s.any && len(hits) == 0 {
		return nil, false
	}
	for _, some := range found[s.all:s.none] {
		if len(some) == 0 {
			return nil, false
		}
		hits = append(hits, some...)
	}
	for _, some := range found[s.none:s.end] {
		if len(some) > 0 {
			return nil, false
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return citeOrder(a.Cite, b.Cite) })
	return hits, len(hits) > 0
}

// citeOrder puts lines before findings, each by number.
func citeOrder(a, b string) int {
	if a[:1] != b[:1] {
		return -strings.Compare(a[:1], b[:1]) // L before F
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// window is how much of a line before and after a phrase is read: a line is at most as long as all logs.
const window = 2048 // bytes

// enough is how many lines of a text, of those that count and of those that prove little, are kept for a pattern: a log
// that repeats itself proves nothing more.
const enough = 2 * MaxLines

// spot is a hit on its way out of a text.
type spot struct {
	Hit
	pattern, line, at int
}

// reading is one text while phrases are looked for. The text is hostile, so all of it must take time linear in its
// length. What reads a stretch of unknown length adds the length to steps, and tests compare the sums of short and long
// texts.
type reading struct {
	book       *Book
	text       string
	low        []byte // text in lower case
	start, end int    // the line that was looked at last
	clock      clock
	seen       []seen // by pattern
	spots      []spot
	steps      int // bytes that were read
}

// seen is what a pattern has had of a text. The text is read backwards.
type seen struct {
	from         int // no line that begins here or later is looked at again
	strong, weak int
}

// look finds what the patterns say of one text.
func (b *Book) look(text string) []spot {
	r := reading{book: b, text: text, low: lower(text)}
	r.read()
	return r.spots
}

func (r *reading) read() {
	r.start, r.end = len(r.low)+1, len(r.low)+1
	r.clock = clock{text: r.text}
	r.seen = make([]seen, len(r.book.patterns))
	for i := range r.seen {
		r.seen[i].from = len(r.low) + 1
	}
	r.steps += r.book.index.scan(r.low, func(p *phrase, at int) {
		r.move(at)
		for _, n := range p.patterns {
			r.hold(n, p, at)
		}
	})
	r.number()
}

// move makes the line of at the line that is looked at. Lines come last first.
func (r *reading) move(at int) {
	if at >= r.start {
		return
	}
	begin := bytes.LastIndexByte(r.low[:at], '\n') + 1
	end := bytes.IndexByte(r.low[at:min(r.start, len(r.low))], '\n')
	if end < 0 {
		end = min(r.start, len(r.low)) - at
	}
	r.start, r.end = begin, at+end
	r.steps += r.end - r.start
}

// hold holds a pattern against the line that is looked at, which has the phrase at at. Each pattern looks at a line once.
func (r *reading) hold(n int, p *phrase, at int) {
	s := &r.seen[n]
	if r.start >= s.from || s.strong >= enough {
		return
	}
	s.from = r.start
	from, to := max(r.start, at-window), min(r.end, at+len(p.text)+window)
	line, low := r.text[from:to], string(r.low[from:to])
	r.steps += len(line)
	if !r.book.patterns[n].holds(low, at-from, p.text) || !utf8.ValidString(trimRunes(line)) {
		return
	}
	weak := weakness(line, low, at-from, len(p.text))
	if weak == "" && r.clock.old(r.start, r.end) {
		weak = "old"
	}
	if weak != "" {
		if s.weak >= enough {
			return
		}
		s.weak++
	} else {
		s.strong++
	}
	r.spots = append(r.spots, spot{pattern: n, at: at, Hit: Hit{Line: cut(line, at-from), Phrase: p.text, Weak: weak}})
}

// number puts the spots into the text's order and counts the lines before each.
func (r *reading) number() {
	slices.SortStableFunc(r.spots, func(a, b spot) int { return cmp.Compare(a.at, b.at) })
	line, from := 1, 0
	for i := range r.spots {
		line += bytes.Count(r.low[from:r.spots[i].at], []byte{'\n'})
		from = r.spots[i].at
		r.spots[i].line = line
	}
}

// trimRunes drops the half characters that a window may begin and end with.
func trimRunes(s string) string {
	for n := 0; n < utf8.UTFMax && len(s) > 0 && !utf8.RuneStart(s[0]); n++ {
		s = s[1:]
	}
	for n := 0; n < utf8.UTFMax && len(s) > 0; n++ {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

// cut returns the line without the space around it, and no more than MaxLineLength characters of it. It begins as far
// before at as leaves most of the room for what comes after.
func cut(line string, at int) string {
	if whole := strings.TrimSpace(trimRunes(line)); utf8.RuneCountInString(whole) <= MaxLineLength {
		return whole
	}
	start := at
	for n := 0; n < MaxLineLength/5 && start > 0; n++ {
		_, size := utf8.DecodeLastRuneInString(line[:start])
		start -= size
	}
	end := start
	for n := 0; n < MaxLineLength && end < len(line); n++ {
		_, size := utf8.DecodeRuneInString(line[end:])
		end += size
	}
	return strings.TrimSpace(trimRunes(line[start:end]))
}
