package mapping

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ohler55/ojg/jp"

	"github.com/opsguard/opsguard/pkg/intake"
)

// Limits of what services.yaml and a document can make an evaluation do.
const (
	maxExpression = 1000 // bytes of one path or text
	maxSteps      = 20   // of one path
	maxMatches    = 100  // values that one path leads to; more are left out
)

// path is a JSONPath of which each step goes one level down, so that following it costs
// no more than looking at what it passes.
type path struct {
	text     string // as it is written
	steps    []jp.Frag
	document bool // it begins at the whole body ($), not at the alert
}

// parsePath compiles one path.
func parsePath(text string) (path, error) {
	x, err := jp.ParseString(text)
	switch {
	case err != nil:
		return path{}, fmt.Errorf("%s is not a JSONPath: %w; write a name with other characters than letters, digits and _ "+
			"as ['such-a-name']", strconv.Quote(text), err)
	case len(x) == 0:
		return path{}, fmt.Errorf("is empty; give a path, for instance labels.service")
	case len(x) > maxSteps:
		return path{}, fmt.Errorf("%s has %d steps; at most %d are followed", strconv.Quote(text), len(x), maxSteps)
	}
	p := path{text: text}
	for i, frag := range x {
		switch f := frag.(type) {
		case jp.Root:
			p.document = true
		case jp.At:
		case jp.Child, jp.Nth, jp.Wildcard:
			p.steps = append(p.steps, f)
		case *jp.Filter:
			if strings.Contains(f.String(), "$") || strings.Contains(f.String(), "..") {
				return path{}, fmt.Errorf("%s: a filter may look at what is below its own @ only", strconv.Quote(text))
			}
			p.steps = append(p.steps, f)
		default:
			return path{}, fmt.Errorf("%s: step %d is not supported; use .name, ['name'], [0], [-1], [*] and [?(@.name == 'value')]",
				strconv.Quote(text), i+1)
		}
	}
	return p, nil
}

// at is where paths begin. What paths of the document lead to is looked for once, not
// once for each alert.
type at struct {
	document, alert intake.Value
	seen            map[string][]intake.Value
}

// find returns the values that the path leads to, in the order of the document, objects
// by the order of their names.
func (p path) find(from at) []intake.Value {
	if !p.document {
		return follow(from.alert, p.steps, maxMatches, nil)
	}
	found, seen := from.seen[p.text]
	if !seen {
		found = follow(from.document, p.steps, maxMatches, nil)
		from.seen[p.text] = found
	}
	return found
}

// follow adds what the steps lead to, until most are found.
func follow(v intake.Value, steps []jp.Frag, most int, found []intake.Value) []intake.Value {
	if len(found) == most || !v.Has() {
		return found
	}
	if len(steps) == 0 {
		return append(found, v)
	}
	switch step := steps[0].(type) {
	case jp.Child:
		if v.IsObject() {
			found = follow(v.At(string(step)), steps[1:], most, found)
		}
	case jp.Nth:
		items, i := v.Items(), int(step)
		if i < 0 {
			i += len(items)
		}
		if i >= 0 && i < len(items) {
			found = follow(items[i], steps[1:], most, found)
		}
	case jp.Wildcard:
		for _, child := range children(v) {
			found = follow(child, steps[1:], most, found)
		}
	case *jp.Filter:
		for _, child := range children(v) {
			if len(found) < most && step.Match(child.Plain()) {
				found = follow(child, steps[1:], most, found)
			}
		}
	}
	return found
}

func children(v intake.Value) []intake.Value {
	if v.IsArray() {
		return v.Items()
	}
	var all []intake.Value
	for _, name := range v.Names() {
		all = append(all, v.At(name))
	}
	return all
}

// name is the last name of the path, "" if it ends otherwise.
func (p path) name() string {
	if len(p.steps) > 0 {
		if child, ok := p.steps[len(p.steps)-1].(jp.Child); ok {
			return string(child)
		}
	}
	return ""
}
