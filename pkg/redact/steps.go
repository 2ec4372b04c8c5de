package redact

import "strings"

// The scan must take time linear in its text, whatever the text is. So every function that reads a stretch of unknown
// length adds the length to scanner.steps, and tests bound the sum. Look-ups of a bounded length (a name, a placeholder,
// what follows a comma) are not counted: they only change the factor. A test reads the source and names the functions
// that read and do not count.

// run returns the end of the longest run of c from i on.
func (s *scanner) run(c *class, i int) int {
	end := c.run(s.in, i)
	s.steps += end - i + 1
	return end
}

// find returns where the first of chars stands in in[from:to], or to.
func (s *scanner) find(chars string, from, to int) int {
	n := -1
	if len(chars) == 1 {
		n = strings.IndexByte(s.in[from:to], chars[0])
	} else {
		n = strings.IndexAny(s.in[from:to], chars)
	}
	if n < 0 {
		n = to - from
	}
	s.steps += n + 1
	return from + n
}

// gap is a stretch of the text in which a search has failed: in[from:to] holds nothing of what it looks for. Searches
// that begin in there need not read it again; this is what keeps those linear that may fail many times.
type gap struct{ from, to int }

func (g gap) covers(i int) bool { return g.from <= i && i < g.to }

// next is find for the searches that share g, which must all look for the same chars.
func (s *scanner) next(g *gap, chars string, from, to int) int {
	if !g.covers(from) {
		*g = gap{from, from}
	}
	if g.to < to {
		g.to = s.find(chars, g.to, to)
	}
	return min(g.to, to)
}

// holds tells whether one of chars stands in in[from:to].
func (s *scanner) holds(chars string, from, to int) bool {
	return s.find(chars, from, to) < to
}

// bareEnd returns where the value without quotes ends that begins at i.
func (s *scanner) bareEnd(i int) int {
	end := bareEnd(s.in, i)
	s.steps += end - i + 1
	return end
}

// headerEnd returns where the header's value ends that nothing quotes.
func (s *scanner) headerEnd(i int) int {
	end := headerEnd(s.in, i)
	s.steps += end - i + 1
	return end
}
