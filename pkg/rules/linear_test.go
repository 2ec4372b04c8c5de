package rules

import (
	"strings"
	"testing"
)

// hostileUnits are repeated to hostile logs. A repeated unit without a line feed is one long line, of which a reader
// that looks at a line once for each phrase in it takes quadratic time.
var hostileUnits = []string{
	"oomkilled ", "oomkilled\n", "memoryerrorx ", "lookup ", "lookup a: ", "deadlock detected ", "no deadlock detected ", "429 ", "servfail ", "dns ",
	"enospc file watchers ", "unknown column '", "too many connections", "does not exist ", "error: column ", "\n", "a", "no econnreset ", "> ticket ", "handled enospc ", "2026-03-01 12:00:00 enospc\n", "\xff enospc\n",
}

// growsTooFast compares the steps over a log and over one of four times its length: four times as many if they are
// linear, sixteen times if they are quadratic.
func growsTooFast(unit string, steps func(log string) int) bool {
	const length, most = 4 * 1024, 6
	unit = strings.Repeat(unit, length/len(unit))
	return steps(strings.Repeat(unit, 4)) > most*steps(unit)
}

func steps(log string) int {
	r := reading{book: builtin(), text: log, low: lower(log)}
	r.read()
	return r.steps
}

func TestHostileLogsTakeLinearTime(t *testing.T) {
	units := hostileUnits
	for _, p := range builtin().index.phrases {
		units = append(units, p.text+" ", "no "+p.text+" ", p.text+"\n", "\xff"+p.text+"\n")
	}
	for _, unit := range units {
		if growsTooFast(unit, steps) {
			t.Fatalf("the steps over %q, repeated, grow faster than the log", unit)
		}
	}
}

// The reader looks at the line again for each phrase in it, which no pattern may need.
func TestAReaderThatTakesQuadraticTimeIsFound(t *testing.T) {
	if !growsTooFast("memoryerrorx ", func(log string) (steps int) {
		low := lower(log)
		return builtin().index.scan(low, func(*phrase, int) { steps += len(low) }) + steps
	}) {
		t.Error("a quadratic reader passes for a linear one")
	}
}
