// Package rules recognises the classic failures in a log by what runtimes, kernels and servers are known to print, and
// names the cause and the fixes out of the catalogue. It is what analyses an incident when there is no model, and what a
// model's answer can be held against.
//
// It is deterministic, pure, and fast enough to run on every alert. The log is hostile data: it only selects one of the
// signatures written down here; no text from it ends up in the cause, in a fix id or in a parameter.
package rules

import (
	"maps"
	"slices"
)

// Limits on what a finding carries of the log.
const (
	MaxLines      = 5   // lines
	MaxLineLength = 500 // characters
)

// Finding says which failure a log shows.
type Finding struct {
	// Signature is the failure's stable name, such as "node-heap-oom".
	Signature string
	// Cause is for a person at 3 am: what happened, and why the first fix helps.
	Cause string
	// Lines are the lines that show it, in the log's order, each once: at most MaxLines, each cut to MaxLineLength around
	// what matched. Each is a substring of the log.
	Lines []string
	// Fixes are catalogue ids, the one to try first at the front. It is not empty.
	Fixes []string
	// Parameters holds, by fix id, the parameters that differ from the catalogue's defaults or should be stated. Numbers
	// are in decimal.
	Parameters map[string]map[string]string
	// Confidence, 0 to 1, is our judgement of how far such lines prove the cause, not a measured frequency. From 0.9 on
	// the failing program itself names the cause; around 0.7 it names the symptom of one cause; near 0.5 the symptom has
	// several causes and the fix is a first attempt.
	Confidence float64
}

// Match returns the failure that explains the log. When several signatures match, the one listed first in signatures
// wins, because it explains those after it; how often or where its lines appear does not matter. Lines that are not
// valid UTF-8 are passed over.
func Match(logs string) (Finding, bool) {
	r := reading{logs: logs, low: lower(logs)}
	return r.match()
}

func (r *reading) match() (Finding, bool) {
	r.seen.read(r.low)
	all := signatures()
	for i := range all {
		s := &all[i]
		lines := r.find(s)
		if len(lines) == 0 {
			continue
		}
		return Finding{
			Signature:  s.name,
			Cause:      s.cause,
			Lines:      lines,
			Fixes:      slices.Clone(s.fixes),
			Parameters: copyParameters(s.parameters),
			Confidence: s.confidence,
		}, true
	}
	return Finding{}, false
}

// lower returns s with A to Z in lower case. Offsets in it are offsets in s, which strings.ToLower would not promise.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
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
