package incident

import "strings"

// wild stands in a shape for what varies.
const wild = '*'

// maxShape bounds the line that a shape is made of, in bytes.
const maxShape = 1024

// Shape is a line of a log without what differs between two reports of one trouble:
// numbers, times, addresses, ids, hashes, the suffixes of pods, random text, bytes that
// are no text. Each run of that becomes one *. It is in lower case, its white space folded. Words stay, so
// that different troubles have different shapes.
//
// It needs no memory and takes time linear in the line, of which 1 KiB is read.
func Shape(line string) string {
	s := shaper{in: strings.ToValidUTF8(Cut(line, maxShape), string(wild))}
	s.out.Grow(len(s.in))
	for s.at < len(s.in) {
		start := s.at
		for s.at < len(s.in) && !separates(s.in[s.at]) {
			s.at++
		}
		if s.at > start {
			s.chunk(s.in[start:s.at])
			continue
		}
		s.separator(s.in[s.at])
		s.at++
	}
	return strings.TrimSpace(s.out.String())
}

type shaper struct {
	in  string
	at  int
	out strings.Builder
	end string // what out ends with: "*" after a wildcard, " " after space, else ""
}

// separates: these bytes stand between chunks and stay.
func separates(c byte) bool { return c <= ' ' || strings.IndexByte(`"'()[]{}<>,;|=&?!`+"`", c) >= 0 }

func (s *shaper) separator(c byte) {
	if c <= ' ' {
		if s.end != " " {
			s.out.WriteByte(' ')
		}
		s.end = " "
		return
	}
	s.out.WriteByte(c)
	s.end = ""
}

// star writes a wildcard, one for several that follow each other.
func (s *shaper) star() {
	if s.end != string(wild) {
		s.out.WriteByte(wild)
	}
	s.end = string(wild)
}

func (s *shaper) text(t string) {
	if t == "" {
		return
	}
	s.out.WriteString(strings.ToLower(t))
	s.end = ""
}

// chunk is a run without white space, quotes and brackets.
func (s *shaper) chunk(c string) {
	if scheme, rest, found := strings.Cut(c, "://"); found {
		s.text(scheme + "://")
		c = rest
	}
	if id := strings.TrimRight(c, ".:"); base64(id) {
		s.star()
		s.text(c[len(id):])
		return
	}
	before, c, after := trimmed(c)
	s.text(before)
	switch at := strings.IndexByte(c, '@'); {
	case c == "":
	case colons(c), uuid(c):
		s.star()
	case at > 0 && strings.Contains(c[at:], "."): // an e-mail address, or user@host
		s.star()
	case at > 0: // Foo@1a2b3c4d
		s.parts(c[:at])
		s.text("@")
		s.star()
	case strings.Contains(c, "/"):
		s.path(c)
	default:
		s.parts(c)
	}
	s.text(after)
}

// trimmed parts a chunk from the punctuation around it, such as the full stop after a
// word.
func trimmed(c string) (before, middle, after string) {
	const punctuation = ".:-_/#@%+~$^\\"
	middle = strings.TrimLeft(c, punctuation)
	before = c[:len(c)-len(middle)]
	c = middle
	middle = strings.TrimRight(c, punctuation)
	return before, middle, c[len(middle):]
}

// path writes the segments of a path. One of several words, or an escaped one, is the
// name of something, and varies.
func (s *shaper) path(c string) {
	for i, segment := range strings.Split(c, "/") {
		if i > 0 {
			s.text("/")
		}
		if strings.Count(segment, "-")+strings.Count(segment, "_") >= 2 && !strings.Contains(segment, ".") || strings.Contains(segment, "%") {
			s.star()
			continue
		}
		s.parts(segment)
	}
}

// parts writes a chunk piece by piece: what joins pieces stays, unless all of them
// vary.
func (s *shaper) parts(c string) { s.pieces(s.pod(c)) }

func (s *shaper) pieces(c string) {
	start := 0
	for i := 0; i <= len(c); i++ {
		if i < len(c) && !joins(c[i]) {
			continue
		}
		s.part(c[start:i])
		minus := i < len(c) && c[i] == '-' && start == i && variesNext(c[i+1:])
		if i < len(c) && !minus && !(s.end == string(wild) && variesNext(c[i+1:])) {
			s.text(c[i : i+1])
		}
		start = i + 1
	}
}

func joins(c byte) bool { return strings.IndexByte(".-_:+~%#@/\\$", c) >= 0 }

// variesNext reports whether the piece that begins here varies from its first byte, so
// that what joins it to another one that varies is a part of both.
func variesNext(rest string) bool {
	n := 0
	for n < len(rest) && !joins(rest[n]) {
		n++
	}
	piece := rest[:n]
	return piece != "" && (digit(piece[0]) || random(piece))
}

// part writes one piece: a wildcard if it varies as a whole, else its letters, with a
// wildcard for each run of digits.
func (s *shaper) part(p string) {
	if random(p) {
		s.star()
		return
	}
	for i := 0; i < len(p); {
		start := i
		for i < len(p) && digit(p[i]) == digit(p[start]) {
			i++
		}
		switch letters := p[start:i]; {
		case digit(p[start]):
			s.star()
		case start > 0 && unit(letters): // 31ms, 10T12:00:00Z
		default:
			s.text(letters)
		}
	}
}

// unit are letters after a number that belong to it.
func unit(letters string) bool {
	switch strings.ToLower(letters) {
	case "t", "z", "s", "ms", "us", "ns", "m", "h", "d", "b", "k", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "x":
		return true
	}
	return false
}

// pod writes the name of a Kubernetes pod without its suffixes, and returns the rest of
// the chunk: api-7d9f8b6c5d-x2k9z is api-*, and so is worker-x2k9z. The alphabet of
// these suffixes has no vowels.
func (s *shaper) pod(c string) (rest string) {
	pieces := strings.Split(c, "-")
	n := len(pieces)
	if n < 2 || len(pieces[n-1]) != 5 || !safe(pieces[n-1]) {
		return c
	}
	keep := n - 1
	if l := len(pieces[n-2]); n > 2 && l >= 6 && l <= 10 && safe(pieces[n-2]) {
		keep--
	}
	s.pieces(strings.Join(pieces[:keep], "-")) // not parts: a name of suffixes alone would take quadratic time
	if s.end != string(wild) {
		s.text("-")
	}
	s.star()
	return ""
}

func safe(piece string) bool { return strings.Trim(piece, "bcdfghjklmnpqrstvwxz2456789") == "" }
