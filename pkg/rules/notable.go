package rules

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Limits of looking for notable lines.
const (
	mostErrors = 200 // lines that speak of an error, the last ones
	mostPlain  = 100 // other lines, the last ones
	errorLines = 3   // of the lines that are returned: room stays for the last line and a rare one
)

// noted is a line while it is weighed.
type noted struct {
	at, weight int
	text       string
	shape      string
}

// Notable returns the lines of a log that a person should see where no rule matches: errors of different shapes, the
// worst and latest first to be taken; the last line; and lines whose shape occurs once among the last ones. It is at
// most MaxLines lines, in the log's order, each cut to MaxLineLength.
func Notable(logs string) []string {
	errors, plain, last := weigh(logs)
	if last == nil {
		return []string{}
	}
	var kept []noted
	take := func(n noted, most int) {
		if len(kept) < most && !slices.ContainsFunc(kept, func(k noted) bool { return k.at == n.at || k.shape == n.shape }) {
			kept = append(kept, n)
		}
	}
	slices.SortStableFunc(errors, func(a, b noted) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(b.at, a.at)) })
	for _, n := range errors {
		take(n, errorLines)
	}
	take(*last, MaxLines)
	odd := rare(plain)
	for _, n := range odd {
		take(n, MaxLines-1)
	}
	for _, n := range slices.Concat(errors, odd) {
		take(n, MaxLines)
	}
	slices.SortFunc(kept, func(a, b noted) int { return cmp.Compare(a.at, b.at) })
	lines := make([]string, 0, len(kept))
	for _, n := range kept {
		lines = append(lines, cut(n.text, 0))
	}
	return lines
}

// weigh reads the log backwards and returns its last lines that speak of an error, its last other ones, and the last.
func weigh(logs string) (errors, plain []noted, last *noted) {
	for logs != "" && (len(errors) < mostErrors || len(plain) < mostPlain) {
		from := strings.LastIndexByte(strings.TrimSuffix(logs, "\n"), '\n') + 1
		line := strings.TrimSpace(logs[from:])
		logs = logs[:from]
		if line == "" || !utf8.ValidString(line) {
			continue
		}
		n := noted{at: from, text: line, weight: weightOf(line)}
		if n.weight > 0 && len(errors) < mostErrors && weakness(line, string(lower(line)), 0, 0) != "" {
			n.weight = 0
		}
		if n.weight > 0 && len(errors) < mostErrors || n.weight == 0 && len(plain) < mostPlain || last == nil {
			n.shape = incident.Shape(line)
		}
		if last == nil {
			last = &n
		}
		switch {
		case n.weight > 0 && len(errors) < mostErrors:
			errors = append(errors, n)
		case n.weight == 0 && len(plain) < mostPlain:
			plain = append(plain, n)
		}
	}
	return errors, plain, last
}

// weightOf says how loud a line is: 3 an end, 2 an error, 1 a warning, 0 none. A frame of a stack trace is none.
func weightOf(line string) int {
	if strings.HasPrefix(line, "at ") || strings.HasPrefix(line, "File \"") || strings.HasPrefix(line, "...") {
		return 0
	}
	low := string(lower(line[:min(len(line), 2*headLength)]))
	switch {
	case holdsAny(low, []string{"fatal", "panic", "critical", "emerg", "crash", "killed", "abort", "out of memory"}):
		return 3
	case holdsAny(low, []string{"error", "exception", "fail", "refused", "denied", "timed out", "timeout", "cannot", "can't", "could not", "unable", "invalid", "severe"}):
		return 2
	case holdsAny(low, []string{"warn", "retry", "slow", "reject"}):
		return 1
	}
	return 0
}

// rare returns the lines whose shape occurs once, the latest first.
func rare(lines []noted) []noted {
	count := map[string]int{}
	for _, n := range lines {
		count[n.shape]++
	}
	return slices.DeleteFunc(lines, func(n noted) bool { return count[n.shape] > 1 })
}
