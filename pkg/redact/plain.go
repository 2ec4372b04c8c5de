package redact

import (
	"strings"
	"unicode/utf8"
)

const (
	esc = 0x1b
	del = 0x7f
)

// plain returns s as valid UTF-8 without anything a reader cannot see. Every kind of line end becomes "\n". Bytes that
// are not UTF-8 become U+FFFD, one for each run, because a reader should see that something was there. steps counts the
// bytes it looked at.
func plain(s string) (out string, steps int) {
	i := 0
	for i < len(s) && plainASCII(s[i]) {
		i++
	}
	steps = len(s)
	if i == len(s) {
		return s, steps
	}
	var b strings.Builder
	b.Grow(len(s))
	from, broken := 0, false // s[from:i] is plain and not yet written; broken: U+FFFD ended the output
	for i < len(s) {
		if plainASCII(s[i]) {
			i++
			broken = false
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		valid := r != utf8.RuneError || size > 1
		if valid && !stripped(r) && !endsLine(r) {
			i += size
			broken = false
			continue
		}
		b.WriteString(s[from:i])
		switch {
		case !valid:
			if !broken {
				b.WriteString("\uFFFD")
			}
			broken = true
		case endsLine(r):
			b.WriteByte('\n')
			if strings.HasPrefix(s[i:], "\r\n") {
				size = 2
			}
			broken = false
		case r == esc:
			size = escapeLen(s[i:], &steps)
		case introducesC1(r):
			size += controlLen(s[i+size:], byte(r)-0x40, &steps)
		}
		i += size
		from = i
	}
	b.WriteString(s[from:])
	return b.String(), steps
}

func plainASCII(c byte) bool { return c >= ' ' && c < del || c == '\n' || c == '\t' }

// endsLine tells whether r is a line end other than "\n". A lone carriage return counts: a terminal would write the rest
// over the start of the line and so hide it.
func endsLine(r rune) bool {
	return r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

// stripped tells whether r is dropped: controls, what changes the direction of writing, and what Unicode lists as
// Default_Ignorable_Code_Point (drawn as nothing, and so fit to hide text in). Emoji lose their joiners by this.
func stripped(r rune) bool {
	switch {
	case r < 0xad:
		return r < ' ' && r != '\n' && r != '\t' || r >= del && r < 0xa0
	case r < 0x2000:
		return r == 0xad || r == 0x34f || r == 0x61c || r == 0x115f || r == 0x1160 || r == 0x17b4 || r == 0x17b5 ||
			r >= 0x180b && r <= 0x180f
	case r < 0xfe00:
		return r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0x3164
	case r <= 0xffff:
		return r <= 0xfe0f || r == 0xfeff || r == 0xffa0 || r >= 0xfff0 && r <= 0xfffb
	default:
		return r >= 0x1bca0 && r <= 0x1bca3 || r >= 0x1d173 && r <= 0x1d17a || r >= 0xe0000 && r <= 0xe0fff
	}
}

// introducesC1 tells whether r is the one-character form of ESC and a letter that begins a control sequence.
func introducesC1(r rune) bool {
	return r == 0x90 || r == 0x98 || r >= 0x9b && r <= 0x9f && r != 0x9c
}

// escapeLen returns the length of the escape sequence (ECMA-48) that s begins with, and adds to steps what it looked at.
func escapeLen(s string, steps *int) int {
	if len(s) < 2 {
		return len(s)
	}
	switch c := s[1]; {
	case c == '[' || c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_':
		return 2 + controlLen(s[2:], c, steps)
	case c >= ' ' && c <= '~':
		n := 1
		for n < len(s) && s[n] >= ' ' && s[n] <= '/' {
			n++
		}
		if n < len(s) && s[n] >= '0' && s[n] <= '~' {
			n++
		}
		*steps += n
		return n
	}
	return 1
}

// controlLen returns how much of s belongs to the control sequence that the letter kind began just before s, and adds
// to steps what it looked at.
func controlLen(s string, kind byte, steps *int) int {
	n := 0
	if kind == '[' {
		for n < len(s) && s[n] >= '0' && s[n] <= '?' {
			n++
		}
		for n < len(s) && s[n] >= ' ' && s[n] <= '/' {
			n++
		}
		if n < len(s) && s[n] >= '@' && s[n] <= '~' {
			n++
		}
		*steps += n
		return n
	}
	// A string (title, link, device command) runs to its terminator. Any other control ends the search, which keeps it
	// linear, and then only the introducer goes: an unterminated one must not swallow the log that follows.
	for n < len(s) && s[n] >= ' ' && s[n] != del && !(s[n] == 0xc2 && n+1 < len(s) && s[n+1] < 0xa0) {
		n++
	}
	*steps += n
	switch rest := s[n:]; {
	case strings.HasPrefix(rest, "\a"):
		return n + 1
	case strings.HasPrefix(rest, "\x1b\\"), strings.HasPrefix(rest, "\u009c"):
		return n + 2
	}
	return 0
}
