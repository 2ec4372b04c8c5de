package body

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/opsguard/opsguard/pkg/incident"
)

// readJSON reads one object of strings. encoding/json holds the grammar, but
// decodes with more tolerance than is good here: it folds case, keeps the last
// of repeated names, and replaces what is not Unicode. So it only validates, and
// the walk below, which may rely on that, takes the members apart. A nested
// value is of the wrong type whatever it holds, so nothing here recurses.
func (r *record) readJSON(raw []byte) error {
	if err := validate(raw); err != nil {
		return err
	}
	w := walker{raw: raw}
	w.space()
	if w.peek() != '{' {
		return incident.BadField("", "the body must be one JSON object, not %s", typeName(w.peek()))
	}
	w.at++
	for w.space(); w.peek() != '}'; w.space() {
		name, err := w.text()
		if err != nil {
			return err
		}
		w.space()
		w.at++ // the colon
		w.space()
		if err := r.member(name, &w); err != nil {
			return err
		}
		w.space()
		if w.peek() == ',' {
			w.at++
		}
	}
	return nil
}

// member takes one value: text is kept, null is the same as not sent.
func (r *record) member(name string, w *walker) error {
	admitted := r.admit(name)
	switch first := w.peek(); first {
	case '"':
		value, err := w.text()
		if err != nil {
			return err
		}
		if admitted {
			r.values[name] = value
		}
	case 'n':
		w.skip()
	default:
		if admitted {
			r.fail(incident.BadField(name, "must be a string, not %s", typeName(first)))
		}
		w.skip()
	}
	return nil
}

func validate(raw []byte) error {
	if json.Valid(raw) {
		return nil
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return incident.BadField("", "the body is empty; send one JSON object")
	}
	if bytes.HasPrefix(raw, []byte("\ufeff")) {
		return incident.BadField("", "the body begins with a byte order mark; send UTF-8 without one")
	}
	var whole json.RawMessage
	var bad *json.SyntaxError
	if err := json.Unmarshal(raw, &whole); !errors.As(err, &bad) {
		return incident.BadField("", "the body is not valid JSON")
	}
	at := int(bad.Offset) - 1 // Offset counts the offending byte
	switch said := bad.Error(); {
	case said == "unexpected end of JSON input":
		return syntaxError(raw, len(raw), "broken JSON (it breaks off)")
	case strings.Contains(said, "in string literal"): // the grammar forbids only raw control characters there
		return syntaxError(raw, at, `broken JSON (a raw control character in a string; write \n for a line break, \t for a tab)`)
	case strings.Contains(said, "after top-level value"):
		return syntaxError(raw, at, "more than one JSON value, the second")
	default:
		return syntaxError(raw, at, "broken JSON ("+said+")")
	}
}

func typeName(first byte) string {
	switch first {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// walker goes through JSON that is known to be valid.
type walker struct {
	raw []byte
	at  int
}

// peek is the next byte; 0 at the end.
func (w *walker) peek() byte {
	if w.at >= len(w.raw) {
		return 0
	}
	return w.raw[w.at]
}

func (w *walker) space() {
	for w.at < len(w.raw) && (w.raw[w.at] == ' ' || w.raw[w.at] == '\n' || w.raw[w.at] == '\r' || w.raw[w.at] == '\t') {
		w.at++
	}
}

// skip goes past one value of any type and depth.
func (w *walker) skip() {
	depth := 0
	for w.at < len(w.raw) {
		switch w.raw[w.at] {
		case '"':
			w.at += stringEnd(w.raw[w.at:])
			if depth == 0 {
				return
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return // a literal ended at its parent's end
			}
			if depth--; depth == 0 {
				w.at++
				return
			}
		case ',':
			if depth == 0 {
				return
			}
		}
		w.at++
	}
}

// stringEnd returns the length of the string literal that s begins with.
func stringEnd(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// text takes a string literal. An escaped surrogate without its other half is no
// character and is refused.
func (w *walker) text() (string, error) {
	from := w.at
	w.at += stringEnd(w.raw[from:])
	inner := w.raw[from+1 : w.at-1]
	i := bytes.IndexByte(inner, '\\')
	if i < 0 {
		return string(inner), nil
	}
	out := make([]byte, 0, len(inner))
	for ; i >= 0; i = bytes.IndexByte(inner, '\\') {
		out = append(out, inner[:i]...)
		here := w.at - 1 - len(inner) + i
		inner = inner[i+1:]
		if inner[0] != 'u' {
			out = append(out, unescape(inner[0]))
			inner = inner[1:]
			continue
		}
		char := hex4(inner[1:])
		inner = inner[5:]
		if utf16.IsSurrogate(char) {
			var low rune
			if len(inner) >= 6 && inner[0] == '\\' && inner[1] == 'u' {
				low = hex4(inner[2:])
			}
			if char = utf16.DecodeRune(char, low); char == '\ufffd' {
				return "", syntaxError(w.raw, here, `half a surrogate pair (\ud800 to \udfff), which is no character,`)
			}
			inner = inner[6:]
		}
		out = append(out, string(char)...)
	}
	return string(append(out, inner...)), nil
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // " \ /
}

func hex4(s []byte) rune {
	n, _ := strconv.ParseUint(string(s[:4]), 16, 16) // four digits: it was validated
	return rune(n)
}
