package rules

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Book is a set of rules, made ready to be looked for.
type Book struct {
	rules    []Rule
	patterns []pattern
	index    index
	// where each rule's patterns are
	of []span
}

// span are the patterns of one rule: any in [any, all), all in [all, none), none in [none, end).
type span struct{ any, all, none, end int }

// pattern is a Pattern that is ready. Its expressions are compiled when a line first has one of its phrases: most never
// are.
type pattern struct {
	written       Pattern
	match, except func() *regexp.Regexp
}

//go:embed signatures/*.yaml
var files embed.FS

// builtin are the rules of the files, read when they are first asked for: most functions link them and never do.
var builtin = sync.OnceValue(func() *Book {
	all, err := read(files)
	if err != nil {
		panic(err) // the tests read the same files
	}
	return newBook(all)
})

// Builtin returns the rules that are built in, in their order.
func Builtin() []Rule { return slices.Clone(builtin().rules) }

// With returns a book of the built-in rules and these, which come first among rules of one rank. The rules must pass
// Check and have ids of their own (see Taken). It is made when it is first asked for.
func With(own []Rule) func() *Book {
	if len(own) == 0 {
		return builtin
	}
	return sync.OnceValue(func() *Book { return newBook(slices.Concat(own, builtin().rules)) })
}

// Taken reports whether a built-in rule has that id.
func Taken(id string) bool {
	return slices.ContainsFunc(builtin().rules, func(r Rule) bool { return r.ID == id })
}

// read reads and checks the files in the order of their names. It is strict: an unknown field, a rule that is wrong and
// an id that stands twice are errors.
func read(from embed.FS) ([]Rule, error) {
	entries, err := from.ReadDir("signatures")
	if err != nil {
		return nil, err
	}
	var all []Rule
	seen := map[string]bool{}
	for _, entry := range entries {
		data, err := from.ReadFile(path.Join("signatures", entry.Name()))
		if err != nil {
			return nil, err
		}
		some, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		for i := range some {
			r := &some[i]
			if problems := r.Check(); len(problems) > 0 {
				return nil, fmt.Errorf("%s: rule %q: %s %s", entry.Name(), r.ID, problems[0].Field, problems[0].Text)
			}
			if seen[r.ID] {
				return nil, fmt.Errorf("%s: rule %q stands twice", entry.Name(), r.ID)
			}
			seen[r.ID] = true
		}
		all = append(all, some...)
	}
	return all, nil
}

func parse(data []byte) ([]Rule, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var all []Rule
	if err := dec.Decode(&all); err != nil {
		return nil, err
	}
	if err := dec.Decode(new(any)); err != io.EOF {
		return nil, fmt.Errorf("more than one document: %w", err)
	}
	return all, nil
}

// UnmarshalYAML takes a bare phrase, or a mapping whose field has may be one phrase or several.
func (p *Pattern) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		p.Has = []string{n.Value}
		return nil
	}
	var fields struct {
		Has           phrases `yaml:"has"`
		Match, Except string
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if name := n.Content[i].Value; name != "has" && name != "match" && name != "except" {
			return fmt.Errorf("line %d: a pattern has no field %q; known: has, match, except", n.Content[i].Line, name)
		}
	}
	if err := n.Decode(&fields); err != nil {
		return err
	}
	*p = Pattern{Has: fields.Has, Match: fields.Match, Except: fields.Except}
	return nil
}

type phrases []string

// UnmarshalYAML takes one phrase or several.
func (p *phrases) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = phrases{n.Value}
		return nil
	}
	return n.Decode((*[]string)(p))
}

// newBook makes rules ready. They have passed Check.
func newBook(all []Rule) *Book {
	b := &Book{rules: all}
	var words []phrase
	add := func(patterns []Pattern) {
		for _, p := range patterns {
			for _, has := range p.Has {
				words = append(words, phrase{strings.ToLower(has), []int{len(b.patterns)}})
			}
			b.patterns = append(b.patterns, pattern{
				written: p,
				match:   sync.OnceValue(func() *regexp.Regexp { return compileExpression(p.Match) }),
				except:  sync.OnceValue(func() *regexp.Regexp { return compileExpression(p.Except) }),
			})
		}
	}
	for _, r := range all {
		s := span{any: len(b.patterns)}
		add(r.Any)
		s.all = len(b.patterns)
		add(r.All)
		s.none = len(b.patterns)
		add(r.None)
		s.end = len(b.patterns)
		b.of = append(b.of, s)
	}
	b.index = newIndex(words)
	return b
}
