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

var knownIssues = []known{
	{invOnce, "did not hold the target", "Record(unknown) by a second invocation gives back the target under the first, which still acts"},
	{invOnce, "began while another was under way", "the same"},
	{invApproval, "after it was claimed", "execute-fix that stalls between claim and Run acts when the hold has lapsed: the time limit counts from Run"},
	{invDeadline, "after the deadline", "a decision by a clock that is behind is checked by that clock, and recorded at the time of the change before"},
	{invReconcile, "while its execution was running", "reconcile that saw no execution before it was started ends the incident once people are asked"},
	{invCalm, "it ended as step_failed", "the same"},
}

// isKnown reports whether everything that is wrong is on the list.
func (r Report) isKnown() bool {
	return !slices.ContainsFunc(r.Violations, func(v Violation) bool {
		return !slices.ContainsFunc(knownIssues, func(k known) bool {
			return k.invariant == v.Invariant && strings.Contains(v.Why, k.says)
		})
	})
}
