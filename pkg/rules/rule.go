package rules

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/catalog"
)

// Rule is a failure and how it shows. Any, All and None are held against everything that is judged: one of Any must be
// there, each of All, and nothing of None.
type Rule struct {
	ID    string `yaml:"id"`
	Cause string `yaml:"cause"`
	// Whose trouble it is: "self", a kind such as "redis", or "address": what the line was connecting to (see address.go).
	Whose string `yaml:"whose"`
	// Rank orders rules that match together: what explains another failure has a lower one. Rules of services.yaml have
	// rank 0 where they say nothing, so that a team's own knowledge comes first.
	Rank       int                          `yaml:"rank"`
	Fixes      []string                     `yaml:"fixes"` // catalogue ids, the first to try first; none: a cause only
	Parameters map[string]map[string]string `yaml:"parameters"`
	Confidence Confidence                   `yaml:"confidence"`
	Any        []Pattern                    `yaml:"any"`
	All        []Pattern                    `yaml:"all"`
	None       []Pattern                    `yaml:"none"`
	Examples   []string                     `yaml:"examples"` // texts that the rule must explain
	Misses     []string                     `yaml:"misses"`   // texts that look alike and must not match
}

// Pattern is what one line must hold: one of the phrases, and beside it what the expressions say. Letters' case makes no
// difference.
type Pattern struct {
	Has    []string `yaml:"has"`
	Match  string   `yaml:"match"`  // "" or an expression (RE2) that must match the line too
	Except string   `yaml:"except"` // "" or an expression that must not match the line
}

// Limits of a rule. They keep one from costing more than its neighbours.
const (
	minPhrase     = 4   // bytes: what the index is made of
	maxPhrase     = 200 // bytes
	maxPhrases    = 100 // of one rule
	maxExpression = 500 // bytes
	maxRepeat     = 100 // in an expression, such as x{100}
	maxCause      = 400 // bytes: read at 3 am
	// MaxRank is the highest rank.
	MaxRank = 99
	// MaxCustom is how many rules services.yaml may have.
	MaxCustom = 200
)

// Problem is what is wrong with a rule, and in which field of it.
type Problem struct{ Field, Text string }

// Check returns everything that is wrong with a rule.
func (r *Rule) Check() []Problem {
	var all []Problem
	at := func(field, format string, args ...any) {
		all = append(all, Problem{field, fmt.Sprintf(format, args...)})
	}
	if !isID(r.ID) {
		at("id", "must be 3 to 64 small letters, digits and hyphens, a letter first")
	}
	switch {
	case strings.TrimSpace(r.Cause) == "":
		at("cause", "is missing; say in plain words what happened")
	case len(r.Cause) > maxCause:
		at("cause", "has %d bytes; at most %d are read at 3 am", len(r.Cause), maxCause)
	case strings.ContainsFunc(r.Cause, func(c rune) bool { return c < ' ' || c == 0x7f }):
		at("cause", "holds a line break or another control character")
	}
	if r.Whose != Self && r.Whose != Address && !slices.Contains(kindNames(), r.Whose) {
		at("whose", "must be %s, %s or one of: %s", Self, Address, strings.Join(kindNames(), ", "))
	}
	if r.Rank < 0 || r.Rank > MaxRank {
		at("rank", "must be from 0 to %d", MaxRank)
	}
	if !slices.Contains([]Confidence{Sure, Likely, Unsure}, r.Confidence) {
		at("confidence", "must be sure, likely or unsure")
	}
	return append(append(all, r.checkFixes()...), r.checkPatterns()...)
}

// CheckExamples holds a rule that passes Check to its own examples, as if there were no other rule.
func (r *Rule) CheckExamples() []Problem {
	if len(r.Examples)+len(r.Misses) == 0 {
		return nil
	}
	var all []Problem
	alone := newBook([]Rule{*r})
	for i, text := range r.Examples {
		if len(alone.Matches(Input{Logs: text})) == 0 {
			all = append(all, Problem{fmt.Sprintf("examples[%d]", i), "is not matched"})
		}
	}
	for i, text := range r.Misses {
		if m := alone.Matches(Input{Logs: text}); len(m) > 0 && !m[0].Weak() {
			all = append(all, Problem{fmt.Sprintf("misses[%d]", i), "is matched"})
		}
	}
	return all
}

func (r *Rule) checkFixes() []Problem {
	var all []Problem
	if len(r.Fixes) > 0 && r.Whose != Self && r.Whose != Address {
		all = append(all, Problem{"fixes", "must be left out where the trouble is another's: a fix acts on the incident's own service"})
	}
	for _, id := range r.Fixes {
		if _, err := catalog.Propose(r.Fixes, id, catalog.Raw(r.Parameters[id])); err != nil {
			all = append(all, Problem{"fixes", fmt.Sprintf("%s cannot be proposed: %v", id, err)})
		}
	}
	for id := range r.Parameters {
		if !slices.Contains(r.Fixes, id) {
			all = append(all, Problem{"parameters", fmt.Sprintf("are given for %s, which is not among the fixes", id)})
		}
	}
	return all
}

func (r *Rule) checkPatterns() []Problem {
	var all []Problem
	if len(r.Any)+len(r.All) == 0 {
		all = append(all, Problem{"any", "is missing; give at least one pattern below any or all"})
	}
	phrases := 0
	for field, patterns := range map[string][]Pattern{"any": r.Any, "all": r.All, "none": r.None} {
		for i, p := range patterns {
			phrases += len(p.Has)
			for _, text := range p.check() {
				all = append(all, Problem{fmt.Sprintf("%s[%d]", field, i), text})
			}
		}
	}
	if phrases > maxPhrases {
		all = append(all, Problem{"any", fmt.Sprintf("has %d phrases in all; at most %d", phrases, maxPhrases)})
	}
	slices.SortFunc(all, func(a, b Problem) int { return strings.Compare(a.Field, b.Field) })
	return all
}

func (p *Pattern) check() []string {
	var all []string
	if len(p.Has) == 0 {
		all = append(all, "has no phrase; every pattern needs one, which is looked for first")
	}
	for _, phrase := range p.Has {
		switch {
		case len(phrase) < minPhrase || len(phrase) > maxPhrase:
			all = append(all, fmt.Sprintf("the phrase %.40q must have %d to %d bytes", phrase, minPhrase, maxPhrase))
		case strings.ContainsAny(phrase, "\n\r"):
			all = append(all, fmt.Sprintf("the phrase %.40q spans lines; a pattern is held against one line", phrase))
		}
	}
	for _, expression := range []string{p.Match, p.Except} {
		if err := checkExpression(expression); err != nil {
			all = append(all, err.Error())
		}
	}
	return all
}

// checkExpression refuses what cannot be compiled, and what would compile into a large program.
func checkExpression(expression string) error {
	if len(expression) > maxExpression {
		return fmt.Errorf("an expression has %d bytes; at most %d", len(expression), maxExpression)
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return fmt.Errorf("the expression %.60q cannot be used: %w", expression, err)
	}
	if repeats(parsed) > maxRepeat {
		return fmt.Errorf("the expression %.60q repeats more than %d times", expression, maxRepeat)
	}
	return nil
}

// repeats is how many copies the counted repetitions of an expression make, one within another multiplied.
func repeats(re *syntax.Regexp) int {
	most := 1
	for _, sub := range re.Sub {
		most = max(most, repeats(sub))
	}
	if re.Op == syntax.OpRepeat {
		most *= max(re.Min, re.Max, 1)
	}
	return most
}

// compile makes an expression that ignores case.
func compileExpression(expression string) *regexp.Regexp {
	if expression == "" {
		return nil
	}
	return regexp.MustCompile("(?i:" + expression + ")")
}

func isID(id string) bool {
	if len(id) < 3 || len(id) > 64 || id[0] < 'a' || id[0] > 'z' {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
