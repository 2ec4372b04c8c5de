package asl

import (
	"fmt"
	"strings"
)

// template is a payload template, as in Parameters and ResultSelector: JSON in which a member named "x.$" becomes a
// member x with the value its path selects.
type template struct {
	literal any // what a template without members or items stands for
	members []templateMember
	items   []*template
	isArray bool
	object  bool
}

type templateMember struct {
	key   string // without the .$
	path  *Path  // nil where value holds
	value *template
}

func (l *loader) template(n *node, waits bool) *template {
	switch n.kind {
	case objectKind:
		return l.objectTemplate(n, waits)
	case arrayKind:
		array := &template{isArray: true}
		for _, item := range n.items {
			array.items = append(array.items, l.template(item, waits))
		}
		return array
	default:
		return &template{literal: n.scalar}
	}
}

func (l *loader) objectTemplate(n *node, waits bool) *template {
	object := &template{object: true}
	seen := map[string]bool{}
	for _, m := range n.members {
		key, dynamic := strings.CutSuffix(m.key, ".$")
		if seen[key] {
			l.add(m.value.path, "%q is given twice, with and without .$", key)
			continue
		}
		seen[key] = true
		if !dynamic {
			object.members = append(object.members, templateMember{key: key, value: l.template(m.value, waits)})
			continue
		}
		if path, ok := l.path(m.value, waits); ok {
			object.members = append(object.members, templateMember{key: key, path: &path})
		}
	}
	return object
}

// fill gives the template's value. Literals are shared between calls: nothing in this package changes data in place.
func (t *template) fill(data any, context contextObject) (any, *fault) {
	switch {
	case t.object:
		object := make(map[string]any, len(t.members))
		for _, m := range t.members {
			value, fault := m.fill(data, context)
			if fault != nil {
				return nil, fault
			}
			object[m.key] = value
		}
		return object, nil
	case t.isArray:
		array := make([]any, len(t.items))
		for i, item := range t.items {
			value, fault := item.fill(data, context)
			if fault != nil {
				return nil, fault
			}
			array[i] = value
		}
		return array, nil
	default:
		return t.literal, nil
	}
}

func (m templateMember) fill(data any, context contextObject) (any, *fault) {
	if m.path == nil {
		return m.value.fill(data, context)
	}
	value, ok := m.path.resolve(data, context)
	if !ok {
		return nil, runtimeFault(fmt.Sprintf("The JSONPath '%s' specified for the field '%s.$' could not be found in the input", m.path, m.key))
	}
	return value, nil
}

// contextObject makes the context object, for the few paths that read it.
type contextObject func() map[string]any

// resolve finds the path in the data or, for $$, in the context object.
func (p Path) resolve(data any, context contextObject) (any, bool) {
	if p.context {
		return p.find(context())
	}
	return p.find(data)
}
