package rules

import (
	"strings"
	"testing"
)

// hostileUnits are repeated to hostile logs. A repeated unit without a line feed is one long line, of which a reader
// that looks at a line once for each phrase in it takes quadratic time.
var hostileUnits = []string{
	"oomkilled ", "oomkilled\n", "memoryerrorx ", "lookup ", "lookup a: ", "deadlock detected ", "no deadlock detected ", "429 ", "servfail ", "dns ",
	"enospc file watchers ", "unknown column '", "too many connections", "does not exist ", "error: column ", "\n", "a", "no econnreset ", "\xff enospc\n",
}

// growsTooFast compares the steps over a log and over one of four times its length: four times as many if they are
// linear, sixteen times if they are quadratic.
func growsTooFast(unit string, steps func(log string) int) bool {
	const length, most = 4 * 1024, 6
	unit = strings.Repeat(unit, length/len(unit))
	return steps(strings.Repeat(unit, 4)) > most*steps(unit)
}

func TestHostileLogsTakeLinearTime(t *testing.T) {
	units := hostileUnits
	for _, s := range signatures() {
		for _, c := range s.clues {
			units = append(units, c.phrase+" ", "no "+c.phrase+" ", c.phrase+"\n", "\xff"+c.phrase+"\n")
		}
	}
	for _, unit := range units {
		if growsTooFast(unit, func(log string) int {
			r := reading{logs: log, low: lower(log)}
			r.match()
			return len(log) + r.steps // all of it is read once before anything is looked for
		}) {
			t.Fatalf("the steps over %q, repeated, grow faster than the log", unit)
		}
	}
}

// The reader looks at the line again for each phrase in it, which no clue may need.
func TestAReaderThatTakesQuadraticTimeIsFound(t *testing.T) {
	const unit = "memoryerrorx "
	if !growsTooFast(unit, func(log string) int {
		r := reading{logs: log, low: log}
		c := &says("memoryerror")[0]
		for at := r.phrase(0, c.phrase); at >= 0; at = r.phrase(at+1, c.phrase) {
			r.holds(c, r.lineStart(0, at), at, r.lineEnd(at))
		}
		return r.steps
	}) {
		t.Errorf("a quadratic reader of %q passes for a linear one", unit)
	}
}
