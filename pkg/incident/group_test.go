package incident

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func member(n int, severity Severity, version int64) Incident {
	return Incident{Ref: Ref{Tenant: DefaultTenant, ID: fmt.Sprintf("INC-01JDEF%020d", n)}, Service: "web", Severity: severity, Version: version}
}

// However many come, a group stays small, counts each once, and keeps the worst.
func TestAGroupKeepsTheWorstAndCountsEachOnce(t *testing.T) {
	var g Group
	g.Begin("INC-1", epoch)
	const all = 1500
	worst := []int{700, 1499}
	for n := range all {
		severity := Medium
		if slices.Contains(worst, n) {
			severity = Critical
		}
		g.Join(member(n, severity, 4), epoch)
	}
	g.Join(member(0, Medium, 4), epoch) // one that is kept comes again
	if g.Size() != all || len(g.Members) != maxMembers || len(g.Rest) != maxRest {
		t.Errorf("%d in all, %d members, %d of the rest", g.Size(), len(g.Members), len(g.Rest))
	}
	for _, n := range worst {
		if !slices.ContainsFunc(g.Members, func(m Member) bool { return m.ID == member(n, Low, 0).ID }) {
			t.Errorf("critical incident %d is not kept", n)
		}
	}
	changed := g.Changed
	g.Join(member(60, Medium, 4), epoch) // of the rest
	if g.Size() != all || g.Changed != changed {
		t.Errorf("one that came again: %d in all, %d changes", g.Size(), g.Changed-changed)
	}
	g.Join(member(60, Critical, 5), epoch)
	if g.Size() != all || g.Changed == changed || g.WorstMember() != Critical {
		t.Errorf("one that became worse: %d in all", g.Size())
	}
}

func TestAGroupTakesIncidentsForAWhile(t *testing.T) {
	const window = 5 * time.Minute
	var g Group
	if g.Takes(window, epoch) {
		t.Error("no group takes one")
	}
	g.Begin("INC-1", epoch)
	at := epoch
	for at.Before(epoch.Add(groupLife)) {
		if !g.Takes(window, at) {
			t.Fatalf("after %s: not taken", at.Sub(epoch))
		}
		g.Join(member(int(at.Sub(epoch).Minutes()), High, 1), at)
		at = at.Add(window - time.Millisecond)
	}
	if g.Takes(window, at) {
		t.Error("a group takes incidents without end")
	}
	g.Begin("INC-2", epoch)
	g.Join(member(1, High, 1), epoch)
	if g.Takes(window, epoch.Add(window)) || !g.Takes(window, epoch.Add(window-time.Millisecond)) {
		t.Error("the window is not held to")
	}
}

// One at a time has the turn, until it gives it back or is taken for dead.
func TestOneAtATimeIsAtAGroupsMessage(t *testing.T) {
	var g Group
	g.Begin("a", epoch)
	g.Join(member(1, High, 1), epoch)
	step := func(by string, after time.Duration, want Turn) {
		t.Helper()
		if got := g.Take(by, true, epoch.Add(after)); got != want {
			t.Fatalf("%s after %s: %q, want %q", by, after, got, want)
		}
	}
	step("a", 0, TurnPost)
	step("b", turnTime-1, TurnWait)
	step("b", turnTime, TurnPost)
	g.Leave("a") // too late: it is not a's any more
	step("c", turnTime, TurnWait)
	g.Done("b", "m1", g.Changed, High)
	step("c", turnTime, TurnNone)
	g.Note(member(1, High, 1))
	step("c", turnTime, TurnNone)
	g.Note(member(1, High, 2))
	step("c", turnTime, TurnEdit)
	g.Done("c", "", g.Changed, High)
	g.Join(member(2, Critical, 1), epoch)
	step("d", turnTime, TurnPost)
	g.Done("d", "m2", g.Changed, Critical)
	if g.Message != "m2" || !slices.Equal(g.Older, []string{"m1"}) {
		t.Errorf("%q, older %q", g.Message, g.Older)
	}
	g.Lost("d")
	step("e", turnTime, TurnPost)
}

// Whoever tells nobody anew edits what is to be shown once, and does not begin a message.
func TestWhoMayNotPostEditsOnce(t *testing.T) {
	var g Group
	g.Begin("a", epoch)
	g.Join(member(1, High, 1), epoch)
	if turn := g.Take("a", false, epoch); turn != TurnNone || g.By != "" {
		t.Fatalf("no message yet: %q, %q has the turn", turn, g.By)
	}
	g.Take("a", true, epoch)
	g.Done("a", "m1", g.Changed, High)
	g.Note(member(1, Critical, 2))
	if turn := g.Take("a", false, epoch); turn != TurnEdit {
		t.Fatalf("something worse: %q", turn)
	}
	g.Done("a", "", g.Changed, Critical)
	if turn := g.Take("a", false, epoch); turn != TurnNone {
		t.Errorf("edited already: %q", turn)
	}
	if turn := g.Take("b", true, epoch); turn != TurnPost {
		t.Errorf("who may post: %q", turn)
	}
}

// In a full group what is decided makes room for what waits.
func TestAFullGroupKeepsWhatWaits(t *testing.T) {
	var g Group
	g.Begin("INC-1", epoch)
	for n := range maxMembers {
		inc := member(n, Critical, 4)
		inc.Decision = &Decision{Action: Escalate}
		g.Join(inc, epoch)
	}
	g.Join(member(maxMembers, High, 4), epoch)
	if g.WorstMember() != High || g.Size() != maxMembers+1 || !slices.ContainsFunc(g.Members, func(m Member) bool { return !m.Settled }) {
		t.Errorf("the worst that waits is %s of %d", g.WorstMember(), g.Size())
	}
}

// A store may make a change twice, when the answer to the first was lost.
func TestAMessageIsNotItsOwnElder(t *testing.T) {
	var g Group
	g.Begin("a", epoch)
	g.Join(member(1, High, 1), epoch)
	g.Take("a", true, epoch)
	g.Done("a", "m1", g.Changed, High)
	g.Done("a", "m1", g.Changed, High)
	if g.Message != "m1" || len(g.Older) != 0 {
		t.Errorf("%q, older %q", g.Message, g.Older)
	}
}
