package inventory

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/rules"
)

// reader walks the tree of a YAML document and collects what is wrong with it.
// Its methods report a value of the wrong shape themselves and answer false.
type reader struct {
	problems  problems
	types     integration.Types
	entriesOf map[integration.Kind][]integration.Entry
	matchers  []matcher
	matchOf   map[string]matcher // by its text
	needs     []needed
	frozen    []Freeze
	breaker   Breaker
	rules     []rules.Rule
	atOnce    map[string]incident.AtOnce
}

// field is one key of a mapping with its value.
type field struct {
	name string
	key  *yaml.Node
	node *yaml.Node
	path string
}

// parse reads exactly one document. Decoding into a Node does not expand
// aliases, so a small file cannot grow here.
func parse(data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, problems{{0, "", "is empty; list at least `services: {}`"}}
		}
		return nil, syntaxProblem(err)
	}
	var next yaml.Node
	switch err := dec.Decode(&next); {
	case err == nil:
		return nil, problems{{next.Line, "", "begins a second document; keep one"}}
	case !errors.Is(err, io.EOF):
		return nil, syntaxProblem(err)
	}
	return doc.Content[0], nil
}

// syntaxProblem takes the line out of the parser's message.
func syntaxProblem(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, found := strings.CutPrefix(text, "line "); found {
		number, message, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, text = n, message
		}
	}
	return problems{{line, "", "is not YAML: " + text}}
}

// plain refuses what YAML offers beyond mappings, lists and scalars: anchors,
// aliases and explicit tags. A file that decides who may approve should read as
// it stands.
func (r *reader) plain(n *yaml.Node, path string) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.at(n, path, "is an alias (*%s); write the value out", n.Value)
		return
	case n.Anchor != "":
		r.at(n, path, "has an anchor (&%s); remove it and write values out", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		r.at(n, path, "has the explicit tag %s; remove it", n.Tag)
	}
	for i, child := range n.Content {
		switch {
		case n.Kind == yaml.SequenceNode:
			r.plain(child, item(path, i))
		case n.Kind == yaml.MappingNode && i%2 == 1:
			r.plain(child, join(path, n.Content[i-1].Value))
		default:
			r.plain(child, path)
		}
	}
}

// fields returns the entries of a mapping, each name once.
func (r *reader) fields(n *yaml.Node, path string) ([]field, bool) {
	if !r.is(n, yaml.MappingNode, path, "a mapping") {
		return nil, false
	}
	lines := map[string]int{}
	var all []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
			r.at(key, path, "has the key %s, which YAML does not read as text; write it in quotes", quote(key.Value))
			continue
		}
		if line, twice := lines[key.Value]; twice {
			r.at(key, join(path, key.Value), "stands twice; the first is in line %d", line)
			continue
		}
		lines[key.Value] = key.Line
		all = append(all, field{key.Value, key, n.Content[i+1], join(path, key.Value)})
	}
	return all, true
}

// known returns the entries of a mapping that must have these names only.
func (r *reader) known(n *yaml.Node, path string, names ...string) (map[string]field, bool) {
	all, ok := r.fields(n, path)
	found := map[string]field{}
	for _, f := range all {
		if !slices.Contains(names, f.name) {
			r.at(f.key, f.path, "is not a known field; known: %s", strings.Join(names, ", "))
			continue
		}
		found[f.name] = f
	}
	return found, ok
}

func (r *reader) is(n *yaml.Node, kind yaml.Kind, path, what string) bool {
	if n.Kind == kind {
		return true
	}
	if n.Kind != yaml.AliasNode { // plain has reported that one
		r.at(n, path, "must be %s", what)
	}
	return false
}

// text reads a scalar that YAML takes for text.
func (r *reader) text(n *yaml.Node, path string) (string, bool) {
	if !r.is(n, yaml.ScalarNode, path, "text") {
		return "", false
	}
	if n.Tag != "!!str" {
		r.at(n, path, "must be text; write %s in quotes", quote(n.Value))
		return "", false
	}
	return n.Value, true
}

// integer reads a whole number in decimal digits, within bounds.
func (r *reader) integer(n *yaml.Node, path string, low, high int) (int, bool) {
	if !r.is(n, yaml.ScalarNode, path, "a whole number") {
		return 0, false
	}
	v, err := strconv.Atoi(n.Value)
	if n.Tag != "!!int" || err != nil || v < low || v > high {
		r.at(n, path, "is %s; give a whole number from %d to %d", quote(n.Value), low, high)
		return 0, false
	}
	return v, true
}

// duration reads a time span with its unit, within bounds, in whole steps.
func (r *reader) duration(n *yaml.Node, path string, low, high, step time.Duration) (time.Duration, bool) {
	if !r.is(n, yaml.ScalarNode, path, "a time span such as 2s or 4h") {
		return 0, false
	}
	d, err := time.ParseDuration(n.Value)
	switch {
	case n.Tag != "!!str" || err != nil:
		r.at(n, path, "is %s; give a number with its unit, such as 2s or 4h", quote(n.Value))
	case d < low || d > high:
		r.at(n, path, "is %s; give %s to %s", n.Value, short(low), short(high))
	case d%step != 0:
		r.at(n, path, "is %s; give whole multiples of %s", n.Value, step)
	default:
		return d, true
	}
	return 0, false
}

// maxList bounds every list: of fixes or of people, there are never that many.
const maxList = 100

// texts reads a list of texts, each once; check says what is wrong with one, "" if
// nothing is.
func (r *reader) texts(n *yaml.Node, path string, check func(string) string) []string {
	if !r.is(n, yaml.SequenceNode, path, "a list") {
		return nil
	}
	if len(n.Content) > maxList {
		r.at(n, path, "has %d entries; at most %d", len(n.Content), maxList)
		return nil
	}
	var all []string
	for i, child := range n.Content {
		at := item(path, i)
		s, ok := r.text(child, at)
		if !ok {
			continue
		}
		if slices.Contains(all, s) {
			r.at(child, at, "%s stands twice in the list", quote(s))
			continue
		}
		if why := check(s); why != "" {
			r.at(child, at, "%s %s", quote(s), why)
			continue
		}
		all = append(all, s)
	}
	return all
}

func join(path, key string) string {
	switch {
	case !isMadeOf(key, 128, "_-"):
		return path + "[" + quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// short writes a duration without the zero minutes and seconds of String.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
