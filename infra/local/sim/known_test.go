package sim

import (
	"slices"
	"strings"
)

// known is a fault of the product that the simulation has found and that is not
// mended yet. The list is empty unless somebody is at work on what it names.
type known struct {
	invariant string
	says      string // a part of what the violation says
	because   string
}

var knownIssues = []known{}

// because names the first entry of the list that a report is on; "" if none.
func (r Report) because() string {
	for _, k := range knownIssues {
		if strings.Contains(r.first(k.invariant), k.says) {
			return k.because
		}
	}
	return ""
}

// isKnown reports whether everything that is wrong is on the list.
func (r Report) isKnown() bool {
	return !slices.ContainsFunc(r.Violations, func(v Violation) bool {
		return !slices.ContainsFunc(knownIssues, func(k known) bool {
			return k.invariant == v.Invariant && strings.Contains(v.Why, k.says)
		})
	})
}
