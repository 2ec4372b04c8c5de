// Package redact takes secrets and invisible characters out of text that came from outside, before anything is written
// or sent.
//
// Text works in two steps. The first makes the text plain: valid UTF-8, lines that end in "\n", no control characters,
// no terminal sequences, nothing that is drawn as nothing. The second reads it once from left to right and replaces
// what looks like a secret. The order matters: a zero-width character inside a key must not hide the key.
//
// A placeholder names the kind of secret and nothing else: [REDACTED:github-token]. So the same alert always reads the
// same, and its fingerprint stays equal across deliveries and key rotations. A hash of the secret would tell two
// secrets apart, but would also let a reader confirm a guessed password, so there is none.
//
// Both steps are idempotent and take time linear in the input. The package knows shapes and names: a secret with
// neither a known prefix nor a telling name next to it stays. Only beside a weak name (key, auth) does it ask whether a
// value looks made by a machine.
package redact

import "strings"

// Counts holds how many secrets of each kind were replaced; it is nil when there were none. Kinds are the words in the
// placeholders. It is safe to log.
type Counts map[string]int

// Total is the number of secrets replaced.
func (c Counts) Total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// Text returns s as plain, valid UTF-8 with its secrets replaced by placeholders, and what was replaced. Lines and tabs
// are kept. Text of its own output changes nothing and counts nothing.
func Text(s string) (string, Counts) {
	out, found, _ := text(s)
	return out, found
}

// Line is Text for fields of one line: newlines and tabs become a space each.
func Line(s string) (string, Counts) {
	out, found, _ := line(s)
	return out, found
}

// text is Text that also tells how many steps it took; see scanner.steps.
func text(s string) (out string, found Counts, steps int) {
	s, before := plain(s)
	out, found, steps = scan(s)
	return out, found, before + steps
}

// line is Line that also tells how many steps it took.
func line(s string) (out string, found Counts, steps int) {
	s, before := plain(s)
	// Folding comes before the search for secrets, for it can bring a name and its value together.
	out, found, steps = scan(folder.Replace(s))
	return out, found, before + len(s) + steps
}

// folder is safe for concurrent use, as every strings.Replacer.
var folder = strings.NewReplacer("\n", " ", "\t", " ")
