package rules

import (
	"regexp"
	"strings"
	"sync"
)

// signature is a failure and how it shows. See signatures for their order.
type signature struct {
	name       string
	cause      string
	fixes      []string
	parameters map[string]map[string]string
	confidence float64
	clues      []clue // any of them suffices
}

// clue is a phrase that a line of the log must hold. Phrase and patterns are in lower case, as is the line they are
// held against.
type clue struct {
	phrase string
	grams  []uint16 // of phrase
	// also, if set, must match the line too: for phrases that also occur where nothing is wrong. It runs only on lines
	// with the phrase, in time linear in the line.
	also *regexp.Regexp
	// never, if set, must not match the line.
	never *regexp.Regexp
}

// says makes clues of phrases that say all by themselves.
func says(phrases ...string) []clue {
	clues := make([]clue, len(phrases))
	for i, p := range phrases {
		clues[i] = clue{phrase: p, grams: gramsOf(p)}
	}
	return clues
}

// saysWith makes a clue of a phrase and what else the line must hold.
func saysWith(phrase, also string) []clue {
	clues := says(phrase)
	clues[0].also = regexp.MustCompile(also)
	return clues
}

// saysWithout makes clues of phrases and what the line must not hold.
func saysWithout(never string, phrases ...string) []clue {
	clues := says(phrases...)
	re := regexp.MustCompile(never)
	for i := range clues {
		clues[i].never = re
	}
	return clues
}

// denied finds, at the end of what comes before a phrase, that it did not happen, or only on purpose.
var denied = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:no|not|no more|never|without|avoids?|avoiding|prevents?|prevented|recovered from|resolved|cleared|` +
		`simulates?|simulated|simulating|protects? against)[:\s"'\x60]+$`)
})

// deniedWithin is how much of a line before a phrase is looked at for a denial, in bytes.
const deniedWithin = 24

// holds tells whether the line, which has the phrase at at, bears the clue out.
func (c *clue) holds(line string, at int) bool {
	before := line[max(0, at-deniedWithin):at]
	if before != "" && strings.IndexByte(" :\"'\x60\t", before[len(before)-1]) >= 0 && denied().MatchString(before) {
		return false
	}
	return (c.also == nil || c.also.MatchString(line)) && (c.never == nil || !c.never.MatchString(line))
}
