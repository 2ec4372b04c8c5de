package redact

import "strings"

const (
	pemFence  = "-----"
	pemBegin  = "-----BEGIN"
	pemEnd    = "-----END"
	pemLabel  = 64        // bytes, the most a label may have
	pemLength = 16 * 1024 // bytes, the most that is looked through for the end; an RSA key of 16384 bits has 12 KiB
)

// pemAt finds a private key block: with line ends, with \n in their place, folded into one line, or cut off.
func (s *scanner) pemAt(i int) (span, bool) {
	in := s.in
	if !strings.HasPrefix(in[i:], pemBegin) {
		return span{}, false
	}
	from := i + len(pemBegin)
	s.steps += pemLabel
	n := strings.Index(in[from:min(len(in), from+pemLabel)], pemFence)
	if n < 0 {
		return span{}, false
	}
	label := in[from : from+n]
	if !strings.Contains(label, "PRIVATE") || !strings.Contains(label, "KEY") {
		return span{}, false
	}
	body := from + n + len(pemFence)
	// The next fence is the end of this block or the beginning of another: one search suffices, and all of them together
	// are linear.
	n = strings.Index(in[body:min(len(in), body+pemLength)], pemFence)
	if n < 0 {
		s.steps += min(len(in)-body, pemLength)
	} else {
		s.steps += n
	}
	if n >= 0 && strings.HasPrefix(in[body+n:], pemEnd) {
		after := body + n + len(pemEnd)
		if n := strings.Index(in[after:min(len(in), after+pemLabel)], pemFence); n >= 0 {
			return span{i, after + n + len(pemFence), kindPrivateKey}, true
		}
		return span{i, after, kindPrivateKey}, true
	}
	return span{i, s.cutBody(body), kindPrivateKey}, true
}

// cutBody returns where the body of a block without an end stops. It takes words of base64 that are too long for prose
// or hold what prose does not, and one last word alone on its line after a full one.
func (s *scanner) cutBody(i int) int {
	in, end, full := s.in, i, false
	for {
		from := skipBreaks(in, i)
		to := base64Std.run(in, from)
		s.steps += to - i + 1
		word := in[from:to]
		alone := to == len(in) || in[to] == '\n' || in[to] == '\\'
		switch {
		case word == "":
			return end
		case len(word) >= 32, strings.ContainsAny(word, digits+"+/=") && alone:
		case full && alone:
		default:
			return end
		}
		full = len(word) >= 60
		i, end = to, to
	}
}

// skipBreaks skips line ends, spaces and the escapes \n and \r.
func skipBreaks(in string, i int) int {
	for i < len(in) {
		switch {
		case in[i] == ' ' || in[i] == '\n' || in[i] == '\t':
			i++
		case in[i] == '\\' && i+1 < len(in) && (in[i+1] == 'n' || in[i+1] == 'r'):
			i += 2
		default:
			return i
		}
	}
	return i
}
