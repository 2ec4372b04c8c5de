// Package rules recognises failures by what runtimes, kernels, servers and clouds are known to print, and names the
// cause, whose trouble it is, and the fixes out of the catalogue. It judges an incident without any model, and a model's
// answer is held against it.
//
// A rule is data: one entry of a file in signatures, or of the section rules of services.yaml. Start reading at Rule,
// then at Judge. The package is deterministic, pure, and fast enough to run on every alert. What it reads is hostile:
// text only selects one of the rules; no text from it ends up in a cause, in a fix id or in a parameter.
package rules

import (
	"fmt"
	"maps"
	"slices"
)

// Limits on what a verdict carries of what it was read from.
const (
	MaxLines      = 5   // lines
	MaxLineLength = 500 // characters
	maxOthers     = 10  // rules that matched and lost
)

// Input is what the rules judge over.
type Input struct {
	// Service is the incident's service. A rule that says that the trouble is redis's means the service itself if that is
	// what its name says it is. It may be left out.
	Service string
	// Logs are lines, numbered from 1: the first is cited as L1. A line ends with a line feed, an empty line counts.
	Logs string
	// Findings are texts with an id to cite them by, such as F3.
	Findings []Finding
	// DependsOn are the names of the services that services.yaml lists under the incident's service.
	DependsOn []string
}

// Finding is one text that was gathered beside the logs. Service is the one that it is about; "": the incident's own.
// What is found with another service is that one's trouble and never leads to a fix of this one.
type Finding struct{ ID, Service, Text string }

// Confidence is how far what was seen proves the cause. It is our judgement, not a measured frequency.
type Confidence string

// The confidences.
const (
	Sure   Confidence = "sure"   // the failing program itself names the cause
	Likely Confidence = "likely" // it names a symptom that mostly has this cause
	Unsure Confidence = "unsure" // a symptom of several causes, or shown only by lines that prove little
)

// Self is whose trouble it is where it is the service's own.
const Self = "self"

// Verdict is what the rules say. The zero Verdict says that none matches.
type Verdict struct {
	RuleID string // "": no rule matches
	// Cause is for a person at 3 am: what happened, and why the first fix helps.
	Cause string
	// Whose says whose trouble it is: Self, a kind such as "redis", or Elsewhere.
	Whose string
	// Dependency is the entry of DependsOn that is in trouble; "" if it is not listed or the trouble is the service's own.
	Dependency string
	// Fixes are catalogue ids for the incident's own service, the one to try first at the front. There is none where the
	// trouble is another's, where the rule knows no fix, and where only weak lines show it.
	Fixes []string
	// Parameters holds, by fix id, the parameters that differ from the catalogue's defaults. Numbers are in decimal.
	Parameters map[string]map[string]string
	Confidence Confidence
	// Cites name what shows it: "L12" is a line of the logs, "F3" a finding. At most MaxLines, logs first.
	Cites []string
	// Lines are the lines behind the cites, each once and cut to MaxLineLength around what matched.
	Lines []string
	// Others matched too and lost, the next best first.
	Others []Other
}

// Other is a rule that matched and lost.
type Other struct {
	RuleID     string
	Whose      string
	Fixes      []string
	Confidence Confidence
	Cites      []string
	Why        string // why it lost
}

// Judge returns what the rules that are built in say. See Book.Judge.
func Judge(in Input) Verdict { return builtin().Judge(in) }

// Judge returns the rule that explains what was seen. A line that proves little (see weakness) never outweighs one that
// proves more. Among rules shown by equally good lines the one of the lowest rank wins, because it explains those of a
// higher rank; how often its lines appear does not matter.
func (b *Book) Judge(in Input) Verdict {
	matches := b.Matches(in)
	if len(matches) == 0 {
		return Verdict{}
	}
	v := matches[0].verdict()
	for _, m := range matches[1:min(len(matches), 1+maxOthers)] {
		lost := m.verdict()
		v.Others = append(v.Others, Other{lost.RuleID, lost.Whose, lost.Fixes, lost.Confidence, lost.Cites, m.lostTo(matches[0])})
	}
	return v
}

func (m *Match) verdict() Verdict {
	r := m.Rule
	v := Verdict{RuleID: r.ID, Cause: m.cause(), Whose: m.Whose, Dependency: m.Dependency, Confidence: r.Confidence}
	if m.Weak() {
		v.Confidence = Unsure
	}
	if m.Whose == Self && !m.Weak() {
		v.Fixes, v.Parameters = slices.Clone(r.Fixes), copyParameters(r.Parameters)
	}
	for _, h := range m.shown() {
		if !slices.Contains(v.Cites, h.Cite) {
			v.Cites = append(v.Cites, h.Cite)
		}
		if !slices.Contains(v.Lines, h.Line) {
			v.Lines = append(v.Lines, h.Line)
		}
	}
	return v
}

// cause begins with whose trouble it is, unless it is the service's own.
func (m *Match) cause() string {
	text := m.Rule.Cause
	switch {
	case m.Whose == Self:
	case m.Dependency != "" && m.Whose != Elsewhere:
		text = fmt.Sprintf("The trouble is that of %s (%s), on which this service depends. %s", m.Dependency, m.Whose, text)
	case m.Dependency != "":
		text = fmt.Sprintf("The trouble is that of %s, on which this service depends. %s", m.Dependency, text)
	case m.Whose != Elsewhere:
		text = fmt.Sprintf("The trouble is not this service's own but that of %s, which dependsOn does not list. %s", m.Whose, text)
	default:
		text = "The trouble seems to be that of another program, which services.yaml does not name. " + text
	}
	if m.Weak() {
		text += " Only lines that prove little show it (" + m.Hits[0].Weak + "), so no fix is proposed for it."
	}
	return text
}

func (m *Match) lostTo(winner *Match) string {
	switch {
	case m.Weak() && !winner.Weak():
		return "only lines that prove little show it: " + m.Hits[0].Weak
	case m.Rule.Rank > winner.Rule.Rank:
		return "the other explains it (rank " + fmt.Sprint(winner.Rule.Rank) + " before " + fmt.Sprint(m.Rule.Rank) + ")"
	}
	return "of the same rank and written further down"
}

// shown are the hits that a person sees: the latest that count, in their order.
func (m *Match) shown() []Hit {
	strong := slices.DeleteFunc(slices.Clone(m.Hits), func(h Hit) bool { return h.Weak != "" })
	if len(strong) == 0 {
		strong = m.Hits
	}
	var kept []Hit
	seen := map[string]bool{}
	for _, h := range slices.Backward(strong) {
		if seen[h.Line] || len(kept) == MaxLines {
			continue
		}
		seen[h.Line] = true
		kept = append(kept, h)
	}
	slices.Reverse(kept)
	return kept
}

// copyParameters keeps callers from changing the table.
func copyParameters(from map[string]map[string]string) map[string]map[string]string {
	if from == nil {
		return nil
	}
	to := make(map[string]map[string]string, len(from))
	for fix, values := range from {
		to[fix] = maps.Clone(values)
	}
	return to
}
