package local

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
)

// moves is a life as it is drawn: which moves are tried with an incident, and how long
// after the one before.
type moves []struct{ which, minutes int }

// drawMoves draws among count kinds of moves.
func drawMoves(count int) *rapid.Generator[moves] {
	return rapid.Custom(func(t *rapid.T) moves {
		life := make(moves, 40)
		for i := range life {
			life[i].which = rapid.IntRange(0, count-1).Draw(t, "move")
			life[i].minutes = rapid.IntRange(0, 3).Draw(t, "minutes")
		}
		return life
	})
}

// living is an incident in the middle of its life.
type living struct {
	inc      incident.Incident
	events   []incident.Event
	now      time.Time
	plan     incident.Plan
	proposal incident.Proposal
}

func newLiving(t *testing.T) living {
	t.Helper()
	ref := incident.Ref{Tenant: tenant, ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	l := living{proposal: incident.Proposal{FixID: "restart-service", Parameters: map[string]string{}}, now: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
	var err error
	l.plan, err = catalog.Build(ref, []string{"restart-service"}, incident.Target{Service: "s", Type: "simulated"}, l.proposal)
	if err != nil {
		t.Fatal(err)
	}
	l.plan = l.plan.With(incident.Draft{Actions: []string{"a"}, Undo: incident.Undo{Actions: []string{"b"}}}, "d").Freeze(ref)
	opened := incident.Open(incident.New{Ref: ref, By: incident.Local, Now: l.now, ApprovalTimeout: time.Hour,
		Alert: incident.Alert{Tenant: tenant, Source: "api", Service: "s", ErrorLogs: "x", Severity: incident.High}})
	l.inc, l.events = opened.Incident, []incident.Event{opened.Event}
	return l
}

func (l living) vote(action incident.Action, decides bool) (incident.Change, error) {
	return l.inc.Vote(incident.Vote{Action: action, By: incident.KeyActor("anna")}, incident.Verdict{Allowed: true, Decides: decides}, l.now)
}

// kinds are the moves there are. Whether one is allowed, the rules say.
var kinds = []func(l living) (incident.Change, error){
	func(l living) (incident.Change, error) {
		return l.inc.Propose(incident.Analysis{AnalyzedBy: incident.ByRules, Cause: "c"}, &l.proposal, l.now)
	},
	func(l living) (incident.Change, error) {
		return l.inc.Planned(incident.Planning{Plan: &l.plan}, l.now)
	},
	func(l living) (incident.Change, error) {
		return l.inc.Await(incident.Ask{EnteredAt: l.now, Now: l.now})
	},
	func(l living) (incident.Change, error) {
		return l.inc.Await(incident.Ask{ManualReason: "m", EnteredAt: l.now, Now: l.now})
	},
	func(l living) (incident.Change, error) {
		return l.inc.Notified([]incident.Notice{{Channel: "console"}}, true, l.now)
	},
	func(l living) (incident.Change, error) { return l.vote(incident.Approve, false) },
	func(l living) (incident.Change, error) { return l.vote(incident.Approve, true) },
	func(l living) (incident.Change, error) { return l.vote(incident.Escalate, true) },
	func(l living) (incident.Change, error) { return l.vote(incident.Resolve, true) },
	func(l living) (incident.Change, error) { return l.inc.Settle(incident.ReasonApprovalTimeout, l.now) },
	func(l living) (incident.Change, error) { return l.inc.Recover(l.now) },
	func(l living) (incident.Change, error) { return l.inc.Claim(incident.Claimer{}, &l.plan, l.now) },
	func(l living) (incident.Change, error) { return l.inc.Refuse(incident.ReasonPlanStale, l.now) },
	func(l living) (incident.Change, error) {
		return l.inc.Record(incident.Result{Outcome: incident.Simulated, Verified: true}, l.now)
	},
	func(l living) (incident.Change, error) {
		return l.inc.Record(incident.Result{Outcome: incident.Unknown}, l.now)
	},
	func(l living) (incident.Change, error) { return l.inc.Took(nil, nil, false, l.now) },
	func(l living) (incident.Change, error) { return l.inc.Took(nil, nil, true, l.now) },
	func(l living) (incident.Change, error) {
		return l.inc.Record(incident.Result{Outcome: incident.Applied, Looked: true}, l.now)
	},
	func(l living) (incident.Change, error) { return l.inc.ClaimUndo(incident.Claimer{}, l.now) },
	func(l living) (incident.Change, error) { return l.inc.TookUndo(nil, nil, false, l.now) },
	func(l living) (incident.Change, error) {
		return l.inc.RecordUndo(incident.Result{Outcome: incident.Undone, Over: true}, l.now)
	},
	func(l living) (incident.Change, error) {
		return l.inc.Ticketed(incident.Ticket{Tracker: "simulated", Key: "SIM-1"}, l.now)
	},
	func(l living) (incident.Change, error) { return l.inc.Close("", l.now) },
}

// live makes the moves that the rules allow, checks after each, and returns how the
// life ends.
func live(t rapid.TB, l living, life moves) incident.Status {
	t.Helper()
	for _, next := range life {
		l.now = l.now.Add(time.Duration(next.minutes) * time.Minute)
		c, err := kinds[next.which](l)
		if err != nil || c.Empty() {
			continue
		}
		l.inc, l.events = c.Incident, append(l.events, c.Event)
		if bad := incident.VerifyChain(l.inc, l.events); bad != nil {
			t.Fatalf("the chain: %+v", bad)
		}
		if bad := contradicted(l.inc, incident.Evidence{Logs: "x"}, l.events); bad != nil {
			t.Fatalf("after %s: event %d: %s", c.Event.Action, bad.Seq, bad.Why)
		}
	}
	return l.inc.Status
}

// TestNoHonestLifeLooksFalsified lets an incident live through whatever the rules
// of pkg/incident allow, in any order: record and trail must always agree. The lives
// of fixed seeds show that both ends come up, also where a random run is short and may
// not reach one of them.
func TestNoHonestLifeLooksFalsified(t *testing.T) {
	born, lives := newLiving(t), drawMoves(len(kinds))
	ends := map[incident.Status]int{}
	for seed := range 100 {
		ends[live(t, born, lives.Example(seed))]++
	}
	if ends[incident.Resolved] == 0 || ends[incident.Escalated] == 0 {
		t.Errorf("the lives ended %v, so this showed little", ends)
	}
	rapid.Check(t, func(r *rapid.T) { live(r, born, lives.Draw(r, "life")) })
}
