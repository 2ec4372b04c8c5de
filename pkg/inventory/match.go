package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Match says by which labels of an alert a service is meant: every label must have
// the value. A * in a value stands for any text. The name "source" stands for the
// name of the source that brought the alert.
type Match map[string]string

// sourceLabel is the name in a Match that stands for the source.
const sourceLabel = "source"

// maxMatches bounds the list of one service.
const maxMatches = 20

// matcher is a Match with the service that it leads to.
type matcher struct {
	service string
	labels  Match
	line    int
}

// ServiceFor finds the service that an alert of a source is about, by the match lists.
// Of several that fit, the one with the most labels counts, then the one with fewer *,
// then the one that stands first in the file.
func (inv *Inventory) ServiceFor(source string, labels map[string]string) (name string, found bool) {
	for _, m := range inv.matchers {
		if m.labels.fits(source, labels) {
			return m.service, true
		}
	}
	return "", false
}

func (m Match) fits(source string, labels map[string]string) bool {
	for name, pattern := range m {
		value, there := labels[name]
		if name == sourceLabel {
			value, there = source, true
		}
		if !there || !glob(pattern, value) {
			return false
		}
	}
	return true
}

// glob matches a whole text against a pattern in which * stands for any text. It takes
// time linear in the text for each * at most.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return true
}

// inOrder sorts matchers so that the first that fits counts. They come in the order of
// the file.
func inOrder(all []matcher) []matcher {
	slices.SortStableFunc(all, func(a, b matcher) int {
		return cmp.Or(cmp.Compare(len(b.labels), len(a.labels)), cmp.Compare(a.labels.stars(), b.labels.stars()))
	})
	return all
}

func (m Match) stars() int {
	n := 0
	for _, pattern := range m {
		n += strings.Count(pattern, "*")
	}
	return n
}

// match reads a service's list.
//
//	match:
//	  - {namespace: shop, deployment: api}
//	  - {source: team-sentry, project: "shop-*"}
func (r *reader) match(f field, service string) []Match {
	if !r.is(f.node, yaml.SequenceNode, f.path, "a list of mappings of labels to values") {
		return nil
	}
	if n := len(f.node.Content); n == 0 || n > maxMatches {
		r.at(f.node, f.path, "has %d entries; give 1 to %d, or leave it out", n, maxMatches)
		return nil
	}
	var all []Match
	for i, n := range f.node.Content {
		path := item(f.path, i)
		labels, ok := r.fields(n, path)
		if !ok {
			continue
		}
		if len(labels) == 0 {
			r.at(n, path, "is empty; it would take every alert")
			continue
		}
		m, ok := r.labels(labels)
		if !ok {
			continue
		}
		one := matcher{service, m, n.Line}
		if twin, found := r.matchOf[m.text()]; found {
			r.at(n, path, "says the same as the one of %s in line %d", quote(twin.service), twin.line)
		} else {
			r.matchOf[m.text()] = one
		}
		r.matchers = append(r.matchers, one)
		all = append(all, m)
	}
	return all
}

// labels reads one entry of a list.
func (r *reader) labels(labels []field) (Match, bool) {
	m, all := Match{}, true
	for _, l := range labels {
		value, ok := r.scalar(l.node, l.path)
		if why := badLabel(l.name, value); ok && why != "" {
			r.at(l.node, l.path, "%s", why)
			ok = false
		}
		m[l.name], all = value, all && ok
	}
	return m, all
}

// text is the same for two that say the same.
func (m Match) text() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%q=%q,", name, m[name])
	}
	return b.String()
}

func badLabel(name, value string) string {
	switch {
	case name == "" || utf8.RuneCountInString(name) > incident.MaxLabelName:
		return fmt.Sprintf("has a name that no label has; use 1 to %d characters", incident.MaxLabelName)
	case value == "":
		return "is empty; give the label's value, or * for any"
	case utf8.RuneCountInString(value) > incident.MaxLabel:
		return fmt.Sprintf("is longer than any label's value, which has at most %d characters", incident.MaxLabel)
	}
	return ""
}
