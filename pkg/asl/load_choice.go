package asl

import (
	"encoding/json"
	"strings"
)

func (l *loader) choice(f *fields, s *State) {
	l.inputOutput(f, s)
	if _, ok := f.required("Choices"); ok {
		for _, n := range f.array("Choices") {
			s.Choices = append(s.Choices, l.rule(n))
		}
	}
	if f.has("Default") {
		s.Default = l.target(f, "Default")
	}
}

// rule reads a top-level rule, the only kind that has a Next.
func (l *loader) rule(n *node) ChoiceRule {
	f := object(n, l.problems)
	rule := ChoiceRule{written: n.raw()}
	f.string("Comment")
	rule.matches = l.condition(f)
	if n.kind == objectKind {
		rule.Next = l.target(f, "Next")
	}
	f.close()
	return rule
}

// condition reads And, Or, Not or one comparison.
func (l *loader) condition(f *fields) condition {
	var found []condition
	for _, key := range []string{"And", "Or"} {
		if f.has(key) {
			found = append(found, group{all: key == "And", conditions: l.nested(f.array(key))})
		}
	}
	if n, ok := f.take("Not"); ok {
		found = append(found, not{l.nested([]*node{n})[0]})
	}
	if f.has("Variable") {
		found = append(found, l.comparison(f))
	}
	if len(found) != 1 {
		if f.node.kind == objectKind {
			l.add(f.node.path, "needs exactly one of And, Or, Not and Variable")
		}
		return group{}
	}
	return found[0]
}

func (l *loader) nested(items []*node) []condition {
	conditions := make([]condition, len(items))
	for i, n := range items {
		f := object(n, l.problems)
		conditions[i] = l.condition(f)
		f.close()
	}
	return conditions
}

func (l *loader) comparison(f *fields) condition {
	c := comparison{}
	if n, _ := f.take("Variable"); n != nil {
		c.variable, _ = l.path(n, false)
	}
	given := 0
	for _, m := range f.node.members {
		operand, ok := l.operand(m)
		if !ok {
			continue // close reports what is no operator
		}
		f.taken[m.key] = true
		given++
		c.operator, c.operand = strings.TrimSuffix(m.key, "Path"), operand
	}
	if given != 1 {
		l.add(f.node.path, "needs exactly one comparison operator, not %d", given)
	}
	return c
}

// operand reads an operator's right side: a value of the operator's kind, or with the suffix Path a path to one.
func (l *loader) operand(m member) (operand, bool) {
	name, byPath := strings.CutSuffix(m.key, "Path")
	wanted, ok := operandKind(name)
	if !ok || byPath && (strings.HasPrefix(name, "Is") || name == opStringMatches) {
		return operand{}, false
	}
	if byPath {
		path, _ := l.path(m.value, false)
		return operand{path: &path}, true
	}
	if m.value.kind != wanted {
		l.add(m.value.path, "must be %s, not %s", wanted, m.value.kind)
		return operand{}, true
	}
	value := m.value.scalar
	if strings.HasPrefix(name, "Timestamp") {
		if _, ok := timestamp(value.(string)); !ok {
			l.add(m.value.path, "must be an RFC 3339 time with an upper-case T and Z or offset, not %q", value)
		}
	}
	if number, ok := value.(json.Number); ok {
		if _, err := number.Float64(); err != nil {
			l.add(m.value.path, "%s is out of range", number)
		}
	}
	return operand{value: value}, true
}
