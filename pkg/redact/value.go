package redact

import "strings"

// longestQuoted is how far the end of a quoted value is looked for, in bytes. Private keys, the only longer ones, have a
// rule of their own.
const longestQuoted = 2048

// value is what stands after a separator, without its quotes.
type value struct {
	start, end int
	quoted     bool
}

// valueAt returns the value that begins at or after i on the same line. There is none where a line ends, an object
// begins, or a placeholder already stands.
func (s *scanner) valueAt(i int) (value, bool) {
	v, ok := s.valueStart(i)
	if ok && !v.quoted {
		v.end = s.bareEnd(v.start)
	}
	return v, ok && v.start < v.end
}

// valueStart is valueAt without the search for the end of a bare value, for those that may refuse it: a search that is
// repeated at each of many names would take quadratic time.
func (s *scanner) valueStart(i int) (value, bool) {
	in := s.in
	i = skipBlanks(in, i)
	if i < len(in) && in[i] == '[' && placeholderLen(in[i:]) == 0 {
		i++ // a list, as Go prints the values of a header
	}
	v := s.quotedAt(i)
	if v.start < len(in) && in[v.start] == '{' && !v.quoted {
		return s.braced(v.start)
	}
	if v.start == len(in) || in[v.start] == '{' || placeholderLen(in[v.start:]) > 0 {
		return value{}, false
	}
	return v, true
}

// braced returns the value in braces that begins at i, as ODBC writes it: one word, not an object and no template.
func (s *scanner) braced(i int) (value, bool) {
	from := i + 1
	end := bracedChars.run(s.in[:min(len(s.in), from+longestInnocent)], from)
	s.steps += end - i
	ok := end > from && end < len(s.in) && s.in[end] == '}'
	return value{from, end, true}, ok
}

func skipBlanks(in string, i int) int {
	for n := 0; n < 64 && i < len(in) && (in[i] == ' ' || in[i] == '\t'); n++ {
		i++
	}
	return i
}

// quotedAt returns the text between quotes that begins at i. The quotes may be escaped, as in JSON within JSON, any
// number of times. If there is no quote, or none that closes, quoted is false and start is where a bare value begins.
func (s *scanner) quotedAt(i int) value {
	in, open := s.in, i
	for open < len(in) && open-i < 8 && in[open] == '\\' {
		open++
	}
	depth := open - i
	if depth == 0 && open+1 < len(in) && (in[open] == 'b' || in[open] == 'u' || in[open] == 'r') && isQuote(in[open+1]) {
		open++ // a Python prefix
	}
	if open == len(in) || !isQuote(in[open]) {
		return value{start: i}
	}
	quote, start := in[open], open+1
	if depth == 0 && doubled(in[open:], quote) {
		return s.doublyQuoted(open + 2)
	}
	slashes, k, closed := 0, start, false
	for ; k < len(in) && k-start < longestQuoted && in[k] != '\n'; k++ {
		if in[k] == '\\' {
			slashes++
			continue
		}
		if in[k] == quote && depth == 0 && k > start && k+1 < len(in) && in[k+1] == quote && slashes%2 == 0 {
			k++ // a doubled quote is one of the value
			slashes = 0
			continue
		}
		if in[k] == quote && (depth == 0 && slashes%2 == 0 || depth > 0 && slashes <= depth) {
			closed = true
			break
		}
		slashes = 0
	}
	s.steps += k - start + 1
	if !closed {
		return value{start: start}
	}
	return value{start, k - min(slashes, depth), true}
}

// doubled tells whether text begins with two quotes that open a value, as in JSON within CSV; two that hold nothing do not.
func doubled(text string, quote byte) bool {
	return len(text) > 2 && text[1] == quote && (alnum[text[2]] || placeholderLen(text[2:]) > 0)
}

// doublyQuoted returns the value from start on that ends at two quotes.
func (s *scanner) doublyQuoted(start int) value {
	end := s.find("\"'`\n", start, min(len(s.in), start+longestQuoted))
	if end+1 >= len(s.in) || !isQuote(s.in[end]) || s.in[end+1] != s.in[end] {
		return value{start: start}
	}
	return value{start, end, true}
}

// bareEnd returns where a value without quotes ends. Passwords hold any character, and lists and sentences go on after
// them; so punctuation ends the value only if what follows looks like something else, and a bracket only if the value did
// not open it.
func bareEnd(in string, i int) int {
	open := 0
	for k := i; k < len(in); k++ {
		switch c := in[k]; c {
		case ' ', '\t', '\n':
			return k
		case '[':
			if placeholderLen(in[k:]) > 0 {
				return k
			}
			open++
		case '\\':
			if escapes(in[k+1:]) && !writes(in[k+1:]) {
				return k
			}
		case '%':
			if strings.HasPrefix(in[k:], "%26") || strings.HasPrefix(in[k:], "%22") {
				return k
			}
		case '<':
			if strings.HasPrefix(in[k:], "</") && k > i {
				return k
			}
			open++
		case '(', '{':
			open++
		case ',', ';', '&', '|':
			if beginsField(in[k+1:], c == ';') {
				return k
			}
		case ')', ']', '}', '>':
			if open == 0 && closes(in[k+1:]) {
				return k
			}
			open = max(0, open-1)
		case '"', '\'', '`':
			if closes(in[k+1:]) {
				return k
			}
		}
	}
	return len(in)
}

// escapes tells whether a backslash in front of rest is the end of a quoted string, or a line end or & in one.
func escapes(rest string) bool {
	return rest != "" && (isQuote(rest[0]) || rest[0] == 'n' || rest[0] == 'r' || rest[0] == 't' || rest[0] == '\\' ||
		strings.HasPrefix(rest, "u00") || placeholderLen(rest) > 0)
}

// writes tells whether a backslash in front of rest spells a character of the value, as Go's JSON does with < and >.
func writes(rest string) bool {
	return strings.HasPrefix(rest, "u003e") && !(len(rest) == 5 || rest[5] == '\\' || rest[5] == '"') ||
		strings.HasPrefix(rest, "u003c") && !strings.HasPrefix(rest, "u003c/")
}

// closes tells whether a quote or bracket in front of rest closes something around the value.
func closes(rest string) bool {
	for n := 0; ; n++ {
		if n == len(rest) || n == 8 {
			return true
		}
		switch rest[n] {
		case '"', '\'', '`', ')', ']', '}', '>':
			continue
		case ' ', '\t', '\n', ',', ';', '&', '|', '\\', '<':
			return true
		case '.', ':':
			return n+1 == len(rest) || rest[n+1] == ' ' || rest[n+1] == '\n'
		}
		return placeholderLen(rest[n:]) > 0
	}
}

// beginsField tells whether rest, after a comma or the like, is the next name and value, or nothing.
func beginsField(rest string, spaced bool) bool {
	i := 0
	for i < len(rest) && i < 4 && (rest[i] == '"' || rest[i] == '\'' || rest[i] == '\\' || rest[i] == '{') {
		i++
	}
	if i == len(rest) || rest[i] == ' ' || rest[i] == '\t' || rest[i] == '\n' || placeholderLen(rest[i:]) > 0 {
		return true
	}
	end := i
	for end < len(rest) && end-i < longestName && (nameChars[rest[end]] || spaced && rest[end] == ' ' && end > i) {
		end++
	}
	if end == i || end == len(rest) {
		return false
	}
	for n := 0; n < 4 && end < len(rest) && (isQuote(rest[end]) || rest[end] == '\\' || rest[end] == ' '); n++ {
		end++
	}
	return end < len(rest) && (rest[end] == '=' || rest[end] == ':' || placeholderLen(rest[end:]) > 0)
}
