package brief

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// FixText is a plan in words: what is there, what would be there, what would be done,
// and how it would be undone. A simulated plan has nothing of that: it changes nothing.
type FixText struct {
	Heading       string // "Proposed fix", or that a person chose it
	Title         string
	ID            string
	Target        string    // "prod-api-01 (simulated)"
	Parameters    []Outside // "name=value", sorted; a value may be a model's
	Risk          string
	Simulated     string // "simulated: nothing will be changed"; "" for a real target
	PlanHashShort string // the first 12 characters
	PlanHash      string // all of it; of a candidate only, because it is chosen by it

	// Parts say what would become of the target, in the order in which to read them.
	Parts []Part
}

// Part is one thing about a plan: a label and what it says, in our words or in those of
// the executor, which may hold what an outside system said.
type Part struct {
	Label string
	Said  string
	Lines []Outside
}

// fixText words the incident's plan; nil if it has none.
func fixText(inc incident.Incident) *FixText {
	if inc.Plan == nil {
		return nil
	}
	f := planText(*inc.Plan)
	f.Heading = "Proposed fix"
	if len(inc.Candidates) > 0 {
		f.Heading = "Fix, chosen by a person"
	}
	return &f
}

func candidates(inc incident.Incident) []FixText {
	var all []FixText
	for n, c := range inc.Candidates {
		f := planText(c)
		f.Heading, f.PlanHash = fmt.Sprintf("Candidate %d, which is not proposed", n+1), c.Hash
		if caution := inc.Cautions[c.Hash]; caution != "" {
			f.Parts = append([]Part{{Label: "Caution", Lines: []Outside{line(caution, MaxManualReason)}}}, f.Parts...)
		}
		all = append(all, f)
	}
	return all
}

func planText(p incident.Plan) FixText {
	f := FixText{Title: p.Title, ID: p.FixID, Target: targetText(p.Target), Risk: p.Risk,
		PlanHashShort: incident.Cut(p.Hash, 12)}
	for _, name := range slices.Sorted(maps.Keys(p.Parameters)) {
		f.Parameters = append(f.Parameters, Outside(inline(name, MaxParameter)+"="+inline(p.Parameters[name], MaxParameter)))
	}
	if p.Simulated() {
		f.Simulated = "simulated: nothing will be changed"
		return f
	}
	if p.ExecutorDigest == "" { // made before plans said any of it
		return f
	}
	f.Parts = parts(p)
	return f
}

// parts leaves out what an executor did not say.
func parts(p incident.Plan) []Part {
	var all []Part
	add := func(label, said string, lines ...Outside) {
		if said != "" || len(lines) > 0 && lines[0] != "" {
			all = append(all, Part{label, said, lines})
		}
	}
	add("Changes", "", changes(p.Present, p.Wanted)...)
	add("Leaves as it is", "", same(p.Present, p.Wanted))
	add("Does", "", exact(p.Actions)...)
	if p.Blast.Of > 0 {
		add("Touches", fmt.Sprintf("%d of %d %s", p.Blast.Affected, p.Blast.Of, inline(p.Blast.Unit, MaxParameter)))
	}
	if p.Terms != nil && p.Terms.AtOnce.Max > 0 {
		at := p.Terms.AtOnce
		add("Waits for a place", fmt.Sprintf("at most %d of %d at once in the group %s", at.Max, at.Of, inline(at.Group, MaxParameter)))
	}
	add("Needs", "", exact(p.Rights)...)
	if !p.Undo.Possible() {
		add("To be verified", "within "+duration(p.Limit())+", else a ticket is opened")
		add("Cannot be undone", "", line(p.Undo.Not, MaxManualReason))
		return all
	}
	add("To be verified", "within "+duration(p.Limit())+", else it is undone")
	add("Undo", "", exact(p.Undo.Actions)...)
	add("Undo changes", "", changes(after(p), p.Undo.Wanted)...)
	return all
}

// after is the target as the fix would leave it.
func after(p incident.Plan) incident.State {
	then := maps.Clone(p.Present)
	if then == nil {
		then = incident.State{}
	}
	maps.Copy(then, p.Wanted)
	return then
}

// changes are the facts that differ, in the form of a diff.
func changes(present, wanted incident.State) []Outside {
	var all []Outside
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		was, known := present[name]
		switch {
		case !known:
			all = append(all, Outside(inline(name, MaxParameter)+": "+inline(wanted[name], MaxFact)))
		case was != wanted[name]:
			all = append(all, Outside(inline(name, MaxParameter)+": "+differing(was, wanted[name])+" -> "+differing(wanted[name], was)))
		}
	}
	return all
}

// differing is a value as far as it can be told from another one. Where both would look
// alike, cut or without what is invisible in them, it is written out.
func differing(value, other string) string {
	shown := inline(value, MaxFact)
	if shown == inline(other, MaxFact) {
		return strconv.QuoteToASCII(value)
	}
	return shown
}

// same are the facts that stay, in short.
func same(present, wanted incident.State) Outside {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(present)) {
		if to, differs := wanted[name]; differs && to != present[name] {
			continue
		}
		if len(all) == MaxFacts {
			all = append(all, "and more")
			break
		}
		all = append(all, inline(name, MaxParameter)+" "+inline(present[name], maxSame))
	}
	return line(strings.Join(all, ", "), MaxFacts*(maxSame+MaxParameter))
}

// maxSame bounds a fact that stays, in characters.
const maxSame = 80

// exact writes what would be done word for word. What a line of text cannot show as it is
// (a line break, an invisible character) is written as an escape.
func exact(actions []string) []Outside {
	var all []Outside
	for _, a := range actions {
		shown := line(a, MaxAction)
		if string(shown) != a {
			shown = Outside(strconv.QuoteToGraphic(a))
			if line(string(shown), len(shown)) != shown { // a space that is none, a run of spaces
				shown = Outside(strconv.QuoteToASCII(a))
			}
		}
		all = append(all, shown)
	}
	return all
}

func targetText(t incident.Target) string {
	parts := []string{t.Type}
	for _, k := range slices.Sorted(maps.Keys(t.Attributes)) {
		if v := integration.Unpack(t.Attributes[k]); v.IsText() { // lists and mappings are what the plan's actions are made of
			parts = append(parts, k+"="+inline(v.Text, MaxParameter))
		}
	}
	return inline(t.Service, maxService) + " (" + strings.Join(parts, " ") + ")"
}

// duration writes a plan's limit: 90 s, 10 min, 1 h 5 min.
func duration(d time.Duration) string {
	switch h, m, s := int(d/time.Hour), int(d%time.Hour/time.Minute), int(d%time.Minute/time.Second); {
	case h > 0 && m == 0 && s == 0:
		return fmt.Sprintf("%d h", h)
	case s == 0:
		return span(d)
	default:
		return fmt.Sprintf("%d s", int(d/time.Second))
	}
}
