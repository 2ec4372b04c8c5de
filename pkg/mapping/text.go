package mapping

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opsguard/opsguard/pkg/intake"
)

// text is what services.yaml says of one text of an alert: a path, or words with paths in
// braces, such as "{host}/{check}".
type text struct {
	parts []part
}

// part is words, or what a path leads to.
type part struct {
	words  string
	path   path
	isPath bool
}

func parseText(s string) (text, error) {
	if len(s) > maxExpression {
		return text{}, fmt.Errorf("has %d bytes; at most %d are taken", len(s), maxExpression)
	}
	if !strings.ContainsAny(s, "{}") {
		p, err := parsePath(s)
		return text{[]part{{path: p, isPath: true}}}, err
	}
	var t text
	for rest := s; rest != ""; {
		words, after, opens := strings.Cut(rest, "{")
		if strings.Contains(words, "}") {
			return text{}, fmt.Errorf("%s has a } without a {", strconv.Quote(s))
		}
		if words != "" {
			t.parts = append(t.parts, part{words: words})
		}
		if !opens {
			break
		}
		inside, next, closes := strings.Cut(after, "}")
		if !closes || strings.Contains(inside, "{") {
			return text{}, fmt.Errorf("%s has a { without a }", strconv.Quote(s))
		}
		p, err := parsePath(inside)
		if err != nil {
			return text{}, err
		}
		t.parts, rest = append(t.parts, part{path: p, isPath: true}), next
	}
	return t, nil
}

// single is the path, if the text is nothing but one.
func (t text) single() (path, bool) {
	if len(t.parts) == 1 && t.parts[0].isPath {
		return t.parts[0].path, true
	}
	return path{}, false
}

// read returns the text, "" unless each of its paths leads to something that is written.
func (t text) read(from at) string {
	var b strings.Builder
	for _, p := range t.parts {
		if !p.isPath {
			b.WriteString(p.words)
			continue
		}
		written := firstWritten(p.path.find(from))
		if written == "" {
			return ""
		}
		b.WriteString(written)
	}
	return b.String()
}

func firstWritten(values []intake.Value) string {
	for _, v := range values {
		if s := v.Written(); strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

// texts are several, of which the first that says something counts.
type texts []text

func (ts texts) first(from at) string {
	for _, t := range ts {
		if s := t.read(from); s != "" {
			return s
		}
	}
	return ""
}

// addTo writes what a message's text says as evidence. What a path leads to is written
// whole: the lines of a text as lines, an object field by field.
func (t text) addTo(e *intake.Evidence, from at) (said bool) {
	p, single := t.single()
	if !single {
		s := t.read(from)
		e.Block(s)
		return strings.TrimSpace(s) != ""
	}
	for _, v := range p.find(from) {
		s := v.Written()
		switch {
		case v.IsObject() || v.IsArray():
			e.AddLeaves(v)
		case p.name() == "" || strings.Contains(strings.TrimSpace(s), "\n"):
			e.Block(s)
		default:
			e.Add(p.name(), s)
		}
		said = said || s != "" || v.IsObject() || v.IsArray()
	}
	return said
}
