package inventory

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/rules"
)

// Rules returns the rules to judge by: the file's own and those that are built in.
func (inv *Inventory) Rules() *rules.Book { return inv.rules() }

// rulesOf reads the section of that name.
//
//	rules:
//	  - id: ledger-locked
//	    cause: The ledger is locked by the nightly close. It ends by itself before 6 am.
//	    any: [ledger is locked, {has: code, match: 'code[:=] ?LDG-423'}]
func (r *reader) rulesOf(f field) []rules.Rule {
	if !r.is(f.node, yaml.SequenceNode, f.path, "a list") {
		return nil
	}
	if len(f.node.Content) > rules.MaxCustom {
		r.at(f.node, f.path, "has %d entries; at most %d", len(f.node.Content), rules.MaxCustom)
		return nil
	}
	var all []rules.Rule
	lines := map[string]int{}
	for i, child := range f.node.Content {
		at := field{key: child, node: child, path: item(f.path, i)}
		one, ok := r.rule(at)
		if !ok {
			continue
		}
		switch first, twice := lines[one.ID]; {
		case twice:
			r.at(child, join(at.path, "id"), "the id %s stands twice; the first is in line %d", quote(one.ID), first)
		case rules.Taken(one.ID):
			r.at(child, join(at.path, "id"), "the id %s is that of a rule that is built in", quote(one.ID))
		}
		lines[one.ID] = child.Line
		all = append(all, one)
	}
	return all
}

// rule reads one entry and holds it to what every rule must be.
func (r *reader) rule(f field) (rules.Rule, bool) {
	one := rules.Rule{Whose: rules.Self, Confidence: rules.Likely}
	fields, ok := r.known(f.node, f.path, "id", "cause", "whose", "rank", "fixes", "parameters", "confidence", "any", "all", "none", "examples", "misses")
	if !ok {
		return one, false
	}
	before := len(r.problems)
	defer func() { // fields are read from maps
		slices.SortStableFunc(r.problems[before:], func(a, b problem) int { return strings.Compare(a.path, b.path) })
	}()
	r.ruleWords(&one, fields)
	for name, to := range map[string]*[]rules.Pattern{"any": &one.Any, "all": &one.All, "none": &one.None} {
		if list, found := fields[name]; found {
			*to = r.patterns(list)
		}
	}
	if params, found := fields["parameters"]; found {
		one.Parameters = r.ruleParameters(params)
	}
	if len(r.problems) > before {
		return one, false // what could not be read is not held to anything
	}
	wrong := one.Check()
	if len(wrong) == 0 {
		wrong = one.CheckExamples()
	}
	for _, p := range wrong {
		name, _, _ := strings.Cut(p.Field, "[")
		at, found := fields[name]
		if !found {
			at = f
		}
		r.at(at.node, join(f.path, name)+strings.TrimPrefix(p.Field, name), "%s", p.Text)
	}
	return one, len(r.problems) == before
}

func (r *reader) ruleWords(one *rules.Rule, fields map[string]field) {
	var confidence string
	for name, to := range map[string]*string{"id": &one.ID, "cause": &one.Cause, "whose": &one.Whose, "confidence": &confidence} {
		if f, found := fields[name]; found {
			*to, _ = r.text(f.node, f.path)
		}
	}
	if confidence != "" {
		one.Confidence = rules.Confidence(confidence)
	}
	if rank, found := fields["rank"]; found {
		one.Rank, _ = r.integer(rank.node, rank.path, 0, rules.MaxRank)
	}
	taken := func(string) string { return "" }
	for name, to := range map[string]*[]string{"fixes": &one.Fixes, "examples": &one.Examples, "misses": &one.Misses} {
		if f, found := fields[name]; found {
			*to = r.texts(f.node, f.path, taken)
		}
	}
}

// patterns reads a list of phrases, and of mappings of a phrase or several with what else their line must or must not
// hold.
func (r *reader) patterns(f field) []rules.Pattern {
	if !r.is(f.node, yaml.SequenceNode, f.path, "a list") {
		return nil
	}
	var all []rules.Pattern
	for i, child := range f.node.Content {
		path := item(f.path, i)
		if child.Kind == yaml.ScalarNode {
			if phrase, ok := r.text(child, path); ok {
				all = append(all, rules.Pattern{Has: []string{phrase}})
			}
			continue
		}
		fields, ok := r.known(child, path, "has", "match", "except")
		if !ok {
			continue
		}
		all = append(all, r.pattern(fields))
	}
	return all
}

func (r *reader) pattern(fields map[string]field) (p rules.Pattern) {
	if has, found := fields["has"]; found && has.node.Kind == yaml.ScalarNode {
		phrase, _ := r.text(has.node, has.path)
		p.Has = []string{phrase}
	} else if found {
		p.Has = r.texts(has.node, has.path, func(string) string { return "" })
	}
	for name, to := range map[string]*string{"match": &p.Match, "except": &p.Except} {
		if f, found := fields[name]; found {
			*to, _ = r.text(f.node, f.path)
		}
	}
	return p
}

// ruleParameters reads a mapping of fixes to their parameters.
func (r *reader) ruleParameters(f field) map[string]map[string]string {
	fixes, ok := r.fields(f.node, f.path)
	if !ok {
		return nil
	}
	all := map[string]map[string]string{}
	for _, fix := range fixes {
		values, _ := r.fields(fix.node, fix.path)
		all[fix.name] = map[string]string{}
		for _, v := range values {
			all[fix.name][v.name], _ = r.scalar(v.node, v.path)
		}
	}
	return all
}
