package redact

import "strings"

// longestLine bounds, in bytes, the line that is looked at for a value that stands below its name.
const longestLine = 512

// nextLine returns where the value begins that stands on the line below its name, if nothing but a marker ends the line at
// i: YAML's | and >, a continuation, the head of a here-document. marked tells that there must be a marker.
func (s *scanner) nextLine(i int, marked bool) (int, bool) {
	at := skipBlanks(s.in, i)
	end := s.marker(at)
	strong := end > at
	if end = skipBlanks(s.in, end); end >= len(s.in) || s.in[end] != '\n' || marked && !strong {
		return 0, false
	}
	from := skipBlanks(s.in, end+1)
	if from == len(s.in) || placeholderLen(s.in[from:]) > 0 {
		return from, true // as one without a value
	}
	strong = strong || from > end+1
	to := s.find("\n", from, min(len(s.in), from+longestLine))
	line := strings.TrimRight(s.in[from:to], " \t,;\\")
	if !belongs(line, strong) {
		return end, at < end && s.in[at] != '\n' // the marker is no value
	}
	return from, true
}

// marker returns where the marker ends that begins at i, or i.
func (s *scanner) marker(i int) int {
	rest := s.in[i:min(len(s.in), i+longestName)]
	s.steps += len(rest)
	n := len(rest)
	switch {
	case strings.HasPrefix(rest, "|"), strings.HasPrefix(rest, ">"), strings.HasPrefix(rest, "\\\n"):
		rest = strings.TrimLeft(rest[1:], "+-")
		return i + n - len(rest)
	case strings.HasPrefix(rest, "<<<"):
		return i
	}
	head := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(rest, `"`), "$("), "cat ")
	word, ok := strings.CutPrefix(head, "<<")
	if !ok {
		return i
	}
	word = strings.TrimLeft(word, `-~"'\`)
	end := nameChars.run(word, 0)
	if end == 0 {
		return i
	}
	return i + n - len(strings.TrimLeft(word[end:], `"'`))
}

// belongs tells whether a line is one value: in quotes, or one word that is no field and no list. A word on an unmarked line
// must look like more than prose. It depends on no text that a token rule would replace, for a placeholder ends a word.
func belongs(line string, strong bool) bool {
	if line == "" || strings.Contains(line, placeholderHead) {
		return false
	}
	if isQuote(line[0]) {
		return len(line) > 2 && line[len(line)-1] == line[0] && strings.IndexByte(line[1:len(line)-1], line[0]) < 0
	}
	if strings.IndexByte("-[{<#/(", line[0]) >= 0 {
		return false
	}
	if scheme, rest, found := strings.Cut(line, " "); found {
		_, known := oneWord[strings.ToLower(scheme)]
		return known && !strings.Contains(rest, " ")
	}
	name := nameChars.run(line, 0)
	if name < len(line) && (line[name] == ':' || line[name] == '=' && strings.Trim(line[name:], "=") != "") {
		return false
	}
	return strong || len(line) >= 6 && strings.ContainsAny(line, digits)
}

// random tells whether the n bytes at i look like made by a machine: letters and digits in turns, no long
// word, no number, no UUID (which names things as often as it opens them). It reads no more, so that a placeholder behind
// them changes nothing.
func (s *scanner) random(i, n int) bool {
	text := s.in[i:min(len(s.in), i+n)]
	s.steps += n
	if len(text) < n || strings.HasPrefix(text, "0x") {
		return false
	}
	letters, numbers, turns, changes, word := 0, 0, 0, 0, 0
	for i := range n {
		c := text[i]
		if !randomChars[c] {
			return false
		}
		if i > 0 && decimal[c] != decimal[text[i-1]] {
			turns++
		}
		if i > 0 && kindOfByte(c) != kindOfByte(text[i-1]) {
			changes++
		}
		switch {
		case decimal[c]:
			numbers++
			word = 0
		case alnum[c]:
			if letters++; i > 0 && kindOfByte(c) != kindOfByte(text[i-1]) {
				word = 0
			}
			word++
		default:
			word = 0
		}
		if word >= 7 && n >= 16 {
			return false
		}
	}
	if n >= 16 && text[8] == '-' && text[13] == '-' {
		return false
	}
	return letters >= n/5 && (numbers >= 1+n/16 && turns >= 1+n/8 || numbers >= 1 && changes >= 2+n/4)
}

// kindOfByte tells digits, capitals and the rest apart.
func kindOfByte(c byte) int {
	switch {
	case decimal[c]:
		return 0
	case c >= 'A' && c <= 'Z':
		return 1
	}
	return 2
}
