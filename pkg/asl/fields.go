package asl

import (
	"encoding/json"
	"math"
	"strings"
)

// fields takes an object's members one by one. Whatever nobody took when it is closed is what the engine does not
// implement, so a field can be neither forgotten nor ignored.
type fields struct {
	node     *node
	taken    map[string]bool
	problems *problems
}

// object opens n, or reports that it is none and opens an empty one, so that reading goes on to the next problem.
func object(n *node, problems *problems) *fields {
	if n.kind != objectKind {
		problems.add(n.path, "must be an object, not %s", n.kind)
	}
	return &fields{node: n, taken: map[string]bool{}, problems: problems}
}

func (f *fields) take(key string) (*node, bool) {
	f.taken[key] = true
	for _, m := range f.node.members {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

func (f *fields) has(key string) bool {
	for _, m := range f.node.members {
		if m.key == key {
			return true
		}
	}
	return false
}

func (f *fields) close() {
	for _, m := range f.node.members {
		if !f.taken[m.key] {
			f.problems.add(m.value.path, "not implemented by this engine; remove it")
		}
	}
}

func (f *fields) required(key string) (*node, bool) {
	n, ok := f.take(key)
	if !ok && f.node.kind == objectKind {
		f.problems.add(childPath(f.node.path, key), "is required")
	}
	return n, ok
}

func (f *fields) string(key string) string {
	n, ok := f.take(key)
	if !ok {
		return ""
	}
	text, ok := n.scalar.(string)
	if !ok {
		f.problems.add(n.path, "must be a string, not %s", n.kind)
	}
	return text
}

func (f *fields) requiredString(key string) string {
	if _, ok := f.required(key); !ok {
		return ""
	}
	text := f.string(key)
	if n, _ := f.take(key); n.kind == stringKind && text == "" {
		f.problems.add(n.path, "must not be empty")
	}
	return text
}

// whole reads an integer within [least, most], or gives fallback where the member is absent.
func (f *fields) whole(key string, fallback, least, most int) int {
	n, ok := f.take(key)
	if !ok {
		return fallback
	}
	number, ok := n.scalar.(json.Number)
	if !ok {
		f.problems.add(n.path, "must be a whole number, not %s", n.kind)
		return fallback
	}
	value, ok := wholeNumber(number)
	if !ok || value < least || value > most {
		f.problems.add(n.path, "must be a whole number from %d to %d, not %s", least, most, number)
		return fallback
	}
	return value
}

func (f *fields) number(key string, fallback, least float64) float64 {
	n, ok := f.take(key)
	if !ok {
		return fallback
	}
	number, ok := n.scalar.(json.Number)
	if !ok {
		f.problems.add(n.path, "must be a number, not %s", n.kind)
		return fallback
	}
	value, err := number.Float64()
	if err != nil || value < least {
		f.problems.add(n.path, "must be a number of at least %g, not %s", least, number)
		return fallback
	}
	return value
}

func (f *fields) array(key string) []*node {
	n, ok := f.take(key)
	if !ok {
		return nil
	}
	if n.kind != arrayKind {
		f.problems.add(n.path, "must be an array, not %s", n.kind)
		return nil
	}
	if len(n.items) == 0 {
		f.problems.add(n.path, "must not be empty")
	}
	return n.items
}

// wholeNumber accepts 60, and 60.0 as AWS does, but not what an int cannot hold.
func wholeNumber(number json.Number) (int, bool) {
	if !strings.ContainsAny(number.String(), ".eE") {
		value, err := number.Int64()
		return int(value), err == nil
	}
	value, err := number.Float64()
	if err != nil || value != math.Trunc(value) || math.Abs(value) > 1<<53 {
		return 0, false
	}
	return int(value), true
}
