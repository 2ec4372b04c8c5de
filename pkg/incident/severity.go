package incident

import (
	"slices"
	"strings"
)

// Meaning is a severity with the words of other systems that mean it.
type Meaning struct {
	Severity Severity
	Words    []string // in small letters
}

// SeverityWords are all words that SeverityOf knows, the worst first.
func SeverityWords() []Meaning {
	return []Meaning{
		{Critical, []string{"critical", "crit", "page", "fatal", "emergency", "emerg", "alert", "disaster", "blocker", "urgent",
			"p0", "p1", "sev0", "sev1", "sev-1"}},
		{High, []string{"high", "error", "err", "major", "severe", "failure", "p2", "sev2", "sev-2"}},
		{Medium, []string{"medium", "moderate", "warning", "warn", "minor", "average", "p3", "sev3", "sev-3"}},
		{Low, []string{"low", "info", "information", "informational", "notice", "debug", "none", "ok",
			"p4", "p5", "sev4", "sev5", "sev-4", "sev-5"}},
	}
}

// SeverityOf is what another system's word for a severity means here, in any case: page,
// sev1, error, warning, info and the like; false for a word that is none.
func SeverityOf(word string) (Severity, bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	for _, m := range SeverityWords() {
		if slices.Contains(m.Words, word) {
			return m.Severity, true
		}
	}
	return "", false
}
