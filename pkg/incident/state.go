package incident

import (
	"maps"
	"slices"
	"time"
)

// Bounds of what an executor can put into a plan.
const (
	maxFacts    = 32   // of one State
	maxFact     = 1024 // bytes of one fact
	maxFactName = 64   // bytes
	maxActions  = 16
	maxAction   = 2048 // bytes: an argv is shown word for word
)

// MaxFixLimit is the longest that a fix, or its undoing, may take until it is verified.
const MaxFixLimit = time.Hour

// State is what an executor saw of a target: a few facts by name, such as revision: 42.
type State map[string]string

// Facts returns the state within bounds, each text cut; the names that come first are
// kept. Whatever an outside system says goes through it.
func (s State) Facts() State {
	if len(s) == 0 {
		return nil
	}
	kept := State{}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if len(kept) == maxFacts {
			break
		}
		kept[Cut(name, maxFactName)] = Cut(s[name], maxFact)
	}
	return kept
}

// Undo is how a fix is undone where it did not help. It is part of what is approved.
type Undo struct {
	Actions []string `json:"actions,omitempty"` // what would be done; none: it cannot be undone
	Wanted  State    `json:"wanted,omitempty"`  // what is to be there afterwards
	Not     string   `json:"not,omitempty"`     // why it cannot be undone; "" where it can
}

// Possible reports whether the fix can be undone.
func (u Undo) Possible() bool { return len(u.Actions) > 0 }

// Blast is how much of a target a fix touches at once: 1 of 3 pods.
type Blast struct {
	Affected int    `json:"affected"`
	Of       int    `json:"of"`
	Unit     string `json:"unit"` // pods, tasks, containers, in the plural
}

// Draft is what an executor says that a fix would do to a target in the state it saw.
type Draft struct {
	Actions []string // each call or command, word for word
	Present State    // what matters for the fix; anything else then is drift
	Wanted  State    // what is to be different afterwards
	Undo    Undo
	Limit   time.Duration // until it must be verified; 0: DefaultFixLimit
	Blast   Blast
	// Rights are what the fix needs, "ACTION on RESOURCE" each. A session that acts is
	// given exactly these.
	Rights []string
}

// DefaultFixLimit is the limit of a fix that names none.
const DefaultFixLimit = 10 * time.Minute

// With binds the plan to what its executor would do. digest is that of the executor's
// own description of the fix. The plan has to be frozen after it.
func (p Plan) With(d Draft, digest string) Plan {
	limit := d.Limit
	if limit <= 0 {
		limit = DefaultFixLimit
	}
	p.Present, p.Wanted = d.Present.Facts(), d.Wanted.Facts()
	p.Actions = within(d.Actions)
	p.Undo = Undo{Actions: within(d.Undo.Actions), Wanted: d.Undo.Wanted.Facts(), Not: Cut(d.Undo.Not, maxFact)}
	if !p.Undo.Possible() && p.Undo.Not == "" {
		p.Undo.Not = "this fix has no undoing"
	}
	p.LimitSeconds = int64(min(limit, MaxFixLimit) / time.Second)
	p.Blast, p.Rights = d.Blast, within(d.Rights)
	p.ExecutorDigest = digest
	return p
}

func within(texts []string) []string {
	var kept []string
	for _, text := range texts[:min(len(texts), maxActions)] {
		kept = append(kept, Cut(text, maxAction))
	}
	return kept
}

// TooMuch reports whether a draft does not fit into a plan. What would be cut off could
// not be approved, so such a fix must not be planned.
func (d Draft) TooMuch() bool {
	long := func(texts []string) bool {
		return len(texts) > maxActions || slices.ContainsFunc(texts, func(t string) bool { return len(t) > maxAction })
	}
	return long(d.Actions) || long(d.Undo.Actions) || long(d.Rights) || d.Present.TooMuch() || d.Wanted.TooMuch() || d.Undo.Wanted.TooMuch()
}

// TooMuch reports whether a plan cannot hold the whole state. What is cut off could drift
// unseen.
func (s State) TooMuch() bool {
	if len(s) > maxFacts {
		return true
	}
	for name, fact := range s {
		if len(name) > maxFactName || len(fact) > maxFact {
			return true
		}
	}
	return false
}
