package redact

import "strings"

// class is a set of bytes.
type class [256]bool

func classOf(chars string) *class {
	var c class
	for i := 0; i < len(chars); i++ {
		c[chars[i]] = true
	}
	return &c
}

const (
	digits = "0123456789"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
)

var (
	decimal     = classOf(digits)
	hex         = classOf(digits + "abcdefABCDEF")
	upperDigit  = classOf(digits + upper)
	alnum       = classOf(digits + upper + lower)
	base64Std   = classOf(digits + upper + lower + "+/=")
	base64URL   = classOf(digits + upper + lower + "-_")
	dotted      = classOf(digits + upper + lower + "-_.")
	percented   = classOf(digits + upper + lower + "-_.%")
	pathLike    = classOf(digits + upper + lower + "-_/")
	upperB      = classOf(digits + upper + "-")
	webhookPath = classOf(digits + upper + lower + "-_/@")
	entraChars  = classOf(digits + upper + lower + "-_~.")
	randomChars = classOf(digits + upper + lower + "-._~+/=!@#$%^&*")
	bracedChars = classOf(digits + upper + lower + "-._~+/!@#$%^&*;")
	base64Body  = classOf(digits + upper + lower + "+/")
	authChars   = classOf(digits + upper + lower + "-._~+/=")
	nameChars   = classOf(digits + upper + lower + "-_.")
)

// run returns the end of the longest run of c in s from i on.
func (c *class) run(s string, i int) int {
	for i < len(s) && c[s[i]] {
		i++
	}
	return i
}

// tokenRule finds a token by the prefix that its issuer gave it so that it can be found. There is no upper bound and no
// check of what follows: logs cut tokens and glue them together, and issuers lengthen them.
type tokenRule struct {
	prefix string
	kind   string
	chars  *class
	min    int // bytes after the prefix; well under what the issuer makes, for logs cut lines
	word   bool
	digit  bool // must hold a digit early on: the prefix also begins ordinary words
	exact  bool // has min bytes, neither more nor less, with letters of both cases and a digit: the prefix says little
	keep   bool // the prefix stays: it is the public part of an address
	full   int  // bytes that the issuer makes, 0 if they vary: by it a token is found that a line end cuts in two
}

// begins holds, by its first two bytes, whether a prefix may begin: most text is passed over at the cost of one look-up.
var begins = func() (t [256][256]bool) {
	for _, r := range tokenRules {
		t[r.prefix[0]][r.prefix[1]] = true
	}
	return t
}()

// plainPrefix holds the bytes that only a prefix makes worth a look.
var plainPrefix = func() (t [256]bool) {
	for _, r := range tokenRules {
		t[r.prefix[0]] = strings.IndexByte(others, r.prefix[0]) < 0
	}
	return t
}()

// mayHold reports whether the two bytes at i begin a prefix.
func (s *scanner) mayHold(i int) bool {
	return i+1 < len(s.in) && begins[s.in[i]][s.in[i+1]]
}

// prefixes are the rules by first byte, in the order above: sk-ant- before sk-.
var prefixes = func() (t [256][]tokenRule) {
	for _, r := range tokenRules {
		t[r.prefix[0]] = append(t[r.prefix[0]], r)
	}
	return t
}()

// tokenAt returns the token that begins at i; a word may begin at barrier.
func (s *scanner) tokenAt(i, barrier int) (span, bool) {
	if s.mayHold(i) {
		if found, ok := s.ruled(i, barrier); ok {
			return found, true
		}
	}
	switch s.in[i] {
	case 'e':
		return s.jwtAt(i)
	case 'S':
		return s.sendGridAt(i)
	case 'M', 'N', 'O':
		return s.discordAt(i)
	case '-':
		return s.pemAt(i)
	case 'd':
		return s.discordWebhookAt(i)
	}
	return span{}, false
}

// ruled returns the token that begins at i by one of the rules.
func (s *scanner) ruled(i, barrier int) (span, bool) {
	for k := range prefixes[s.in[i]] {
		r := &prefixes[s.in[i]][k]
		if !strings.HasPrefix(s.in[i:], r.prefix) || !s.mayBegin(r, i, barrier) {
			continue
		}
		from := i + len(r.prefix)
		if r.exact {
			if end, ok := s.exactly(r, from); ok {
				return span{i, end, r.kind}, true
			}
			continue
		}
		end := s.run(r.chars, from)
		if rest, ok := s.wrapped(r, from, end); ok {
			return span{i, rest, r.kind}, true
		}
		for end > from && s.in[end-1] == '.' { // a full stop of the sentence around it
			end--
		}
		if end-from >= r.min && r.keep {
			return span{from, end, r.kind}, true
		}
		if end-from >= r.min {
			return span{i, end, r.kind}, true
		}
	}
	return span{}, false
}

// exactly returns where the token of an exact rule ends, whose part after the prefix begins at from.
func (s *scanner) exactly(r *tokenRule, from int) (int, bool) {
	end := r.chars.run(s.in[:min(len(s.in), from+r.min+1)], from)
	s.steps += end - from + 1
	body := s.in[from:end]
	return end, len(body) == r.min && strings.ContainsAny(body, digits) && strings.ContainsAny(body, upper) && strings.ContainsAny(body, lower)
}

// wrapped returns where a token ends that a line end cuts in two: only if the next line begins with just what is missing.
func (s *scanner) wrapped(r *tokenRule, from, end int) (int, bool) {
	if r.full == 0 || end-from < 4 || end-from >= r.full || end == len(s.in) || s.in[end] != '\n' {
		return 0, false
	}
	next := skipBlanks(s.in, end+1)
	missing := r.full - (end - from)
	to := r.chars.run(s.in[:min(len(s.in), next+missing+1)], next)
	s.steps += missing
	return to, to-next == missing
}

// tokenBegins is tokenAt for those that need not know where the token ends. It reads no further than it must: they do not
// consume what it reads, so a long run may be asked about many times.
func (s *scanner) tokenBegins(i, barrier int) bool {
	for k := range prefixes[s.in[i]] {
		r := &prefixes[s.in[i]][k]
		if !strings.HasPrefix(s.in[i:], r.prefix) || !s.mayBegin(r, i, barrier) {
			continue
		}
		from := i + len(r.prefix)
		if r.exact {
			if _, ok := s.exactly(r, from); ok {
				return true
			}
			continue
		}
		end := r.chars.run(s.in[:min(len(s.in), from+r.min)], from)
		s.steps += end - from + 1
		if end-from < r.min {
			continue
		}
		// As in tokenAt, full stops at the end of the run do not count.
		for end < len(s.in) && s.in[end-1] == '.' && r.chars[s.in[end]] {
			end++
			s.steps++
		}
		if s.in[end-1] != '.' {
			return true
		}
	}
	_, ok := s.tokenAt(i, barrier) // no prefix fits; a shape may
	return ok
}

// mayBegin tells whether the token of r can begin at i, where its prefix stands. Whatever refuses a token does it here,
// before the run or by a bounded part of it, to keep the scan linear.
func (s *scanner) mayBegin(r *tokenRule, i, barrier int) bool {
	if r.word && !edge(s.in, i, barrier) {
		return false
	}
	if !r.digit {
		return true
	}
	from := i + len(r.prefix)
	return s.holds(digits, from, r.chars.run(s.in[:min(len(s.in), from+64)], from))
}
