package redact

import "strings"

// span is a secret: in[start:end], to be replaced by the placeholder of kind.
type span struct {
	start, end int
	kind       string
}

// scanner reads a text once, from left to right.
//
// What makes it idempotent: a rule may look left only as far as barrier, the end of the last placeholder, whether that
// was written in this pass or found in the input; and to the right a placeholder ends every run and every bare value,
// and a value that begins with one is left alone. So a second pass sees the same contexts as the first.
type scanner struct {
	in      string
	out     strings.Builder
	found   Counts
	copied  int // in[:copied] has been dealt with in out
	barrier int

	steps int // bytes looked at, for tests

	// What keeps the scan linear: where a search has failed already.
	noJWT      gap // no token begins in it
	noPassword gap // no URL that begins in it has a password
	noAt       gap // no @
	noTag      gap // neither < nor a line end
	noDigit    gap // no digit, nor the end of a bare value
	noParams   gap // no = or : up to the end of the header

	linkEnd  int  // where the query of the last approve-fix link ends
	curlSeen bool // the line read up to curlPos has a curl command
	curlPos  int
}

// scan replaces the secrets in a plain text.
// steps counts the bytes it looked at.
func scan(in string) (out string, found Counts, steps int) {
	s := scanner{in: in, steps: len(in)}
	for i := 0; i < len(in); {
		if !triggers[in[i]] {
			i++
			continue
		}
		if plainPrefix[in[i]] && !s.mayHold(i) {
			i++
			continue
		}
		if n := placeholderLen(in[i:]); n > 0 {
			i += n
			s.barrier = i
			continue
		}
		found, ok := s.at(i)
		if !ok {
			i++
			continue
		}
		found = s.widen(i, found)
		s.replace(found)
		i = found.end
	}
	if s.copied == 0 {
		return in, nil, s.steps
	}
	s.out.WriteString(in[s.copied:])
	return s.out.String(), s.found, s.steps
}

// widen returns found together with what begins between i, which gave it away, and its start: a token in the place of a
// URL's user. What is skipped here would only be seen by a second pass.
func (s *scanner) widen(i int, found span) span {
	s.steps += max(0, found.start-i)
	for k := i + 1; k < found.start; k++ {
		if !triggers[s.in[k]] {
			continue
		}
		if inner, ok := s.at(k); ok && inner.start < found.start {
			found.start, found.end = inner.start, max(inner.end, found.end)
		}
	}
	return found
}

func (s *scanner) replace(f span) {
	if s.found == nil {
		s.found = Counts{}
		s.out.Grow(len(s.in) + len(placeholderHead) + longestKind)
	}
	s.out.WriteString(s.in[s.copied:f.start])
	s.out.WriteString(placeholder(f.kind))
	s.found[f.kind]++
	if f.start < s.linkEnd && s.linkEnd < f.end {
		s.linkEnd = s.findLinkEnd(f.end) // as a second pass would see it, with no space in the placeholder
	}
	s.copied, s.barrier = f.end, f.end
}

// at returns the secret that the byte at i gives away. The secret may lie further on (a value after its name) or end
// here (a password before its @), but never reaches back over barrier.
func (s *scanner) at(i int) (span, bool) {
	if found, ok := s.tokenAt(i, s.barrier); ok {
		return found, true
	}
	switch s.in[i] {
	case '=':
		return s.assignment(i, i+1)
	case ':':
		if strings.HasPrefix(s.in[i:], "://") {
			return s.urlPassword(i)
		}
		if i+1 < len(s.in) && s.in[i+1] == 'A' {
			if found, ok := s.numberedAt(i, 6, kindTelegram); ok {
				return found, true
			}
		}
		return s.assignment(i, i+1)
	case '|':
		return s.numberedAt(i, 14, kindVendor)
	case '~':
		return s.entraAt(i)
	case '(', ',':
		return s.argument(i)
	case '%':
		if strings.HasPrefix(s.in[i:], "%3D") || strings.HasPrefix(s.in[i:], "%3d") {
			return s.assignment(i, i+3)
		}
	case '>':
		if i > s.barrier && s.in[i-1] == '-' && strings.HasPrefix(s.in[i:], "> ") {
			return s.assignment(i, i+1)
		}
		return s.element(i)
	case '-':
		return s.flag(i)
	case '@':
		return s.dataSource(i)
	case '\'', '"':
		return s.sqlPassword(i)
	case 'B', 'b':
		return s.bareAuth(i)
	case 'a':
		s.noteLink(i)
		return s.atlasAt(i)
	}
	return span{}, false
}

// triggers holds the bytes that at must look at: the others are skipped at the cost of one look-up.
var triggers = func() (t [256]bool) {
	for c := range prefixes {
		t[c] = len(prefixes[c]) > 0
	}
	for _, c := range others {
		t[c] = true
	}
	return t
}()

// others are the bytes that at looks at beside those that begin a prefix.
const others = `[=:%>-@'BbaeSMNOd|~(,"`

// edge tells whether a word can begin at i: what is to the left is no letter or digit, or is the end of an escape (\n in
// quoted logs, %20 in addresses).
func edge(in string, i, barrier int) bool {
	left := in[barrier:i]
	n := len(left)
	if n == 0 || !alnum[left[n-1]] {
		return true
	}
	if n >= 2 && left[n-2] == '\\' {
		return strings.IndexByte("nrt", left[n-1]) >= 0
	}
	return n >= 3 && left[n-3] == '%' && hex[left[n-2]] && hex[left[n-1]]
}
