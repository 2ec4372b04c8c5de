package local

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
)

// TestNoHonestLifeLooksFalsified lets an incident live through whatever the rules
// of pkg/incident allow, in any order: record and trail must always agree.
func TestNoHonestLifeLooksFalsified(t *testing.T) {
	ref := incident.Ref{Tenant: tenant, ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	proposal := incident.Proposal{FixID: "restart-service", Parameters: map[string]string{}}
	plan, err := catalog.Build(ref, []string{"restart-service"}, incident.Target{Service: "s", Type: "simulated"}, proposal)
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
		opened := incident.Open(incident.New{Ref: ref, By: incident.Local, Now: now, ApprovalTimeout: time.Hour,
			Alert: incident.Alert{Tenant: tenant, Source: "api", Service: "s", ErrorLogs: "x", Severity: incident.High}})
		inc, events := opened.Incident, []incident.Event{opened.Event}
		vote := func(action incident.Action, decides bool) (incident.Change, error) {
			return inc.Vote(incident.Vote{Action: action, By: incident.KeyActor("anna")}, incident.Verdict{Allowed: true, Decides: decides}, now)
		}
		moves := []func() (incident.Change, error){
			func() (incident.Change, error) {
				return inc.Propose(incident.Analysis{AnalyzedBy: incident.ByRules, Cause: "c"}, &proposal, now)
			},
			func() (incident.Change, error) { return inc.Await(incident.Ask{Plan: &plan, EnteredAt: now, Now: now}) },
			func() (incident.Change, error) {
				return inc.Await(incident.Ask{ManualReason: "m", EnteredAt: now, Now: now})
			},
			func() (incident.Change, error) {
				return inc.Notified([]incident.Notice{{Channel: "console"}}, true, now)
			},
			func() (incident.Change, error) { return vote(incident.Approve, false) },
			func() (incident.Change, error) { return vote(incident.Approve, true) },
			func() (incident.Change, error) { return vote(incident.Escalate, true) },
			func() (incident.Change, error) { return vote(incident.Resolve, true) },
			func() (incident.Change, error) { return inc.Settle(incident.ReasonApprovalTimeout, now) },
			func() (incident.Change, error) { return inc.Recover(now) },
			func() (incident.Change, error) { return inc.Claim(incident.Claimer{}, &plan, now) },
			func() (incident.Change, error) { return inc.Refuse(incident.ReasonPlanStale, now) },
			func() (incident.Change, error) {
				return inc.Record(incident.Result{Outcome: incident.Simulated, Verified: true}, now)
			},
			func() (incident.Change, error) { return inc.Record(incident.Result{Outcome: incident.Unknown}, now) },
			func() (incident.Change, error) {
				return inc.Ticketed(incident.Ticket{Tracker: "simulated", Key: "SIM-1"}, now)
			},
			func() (incident.Change, error) { return inc.Close("", now) },
		}
		for range 30 {
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(r, "minutes")) * time.Minute)
			c, err := moves[rapid.IntRange(0, len(moves)-1).Draw(r, "move")]()
			if err != nil || c.Empty() {
				continue
			}
			inc, events = c.Incident, append(events, c.Event)
			if bad := incident.VerifyChain(inc, events); bad != nil {
				r.Fatalf("the chain: %+v", bad)
			}
			if bad := contradicted(inc, incident.Evidence{Logs: "x"}, events); bad != nil {
				r.Fatalf("after %s: event %d: %s", c.Event.Action, bad.Seq, bad.Why)
			}
		}
		ends[string(inc.Status)]++
	})
	if ends["RESOLVED"] == 0 || ends["ESCALATED"] == 0 {
		t.Errorf("the lives ended %v, so this showed little", ends)
	}
}
