package brief_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// The clock of these tests: asked at 10:06, until 14:05 the same day.
func at(hour, minute int) time.Time {
	return time.Date(2026, time.November, 2, hour, minute, 0, 0, time.UTC)
}

const heap = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"

func links() brief.Links {
	const u = "http://localhost:3000/approve-fix?t="
	return brief.Links{Approve: u + "APPROVE", Escalate: u + "ESCALATE", Resolve: u + "RESOLVE", View: "http://localhost:3000/incidents/INC-01JZ"}
}

func must(t *testing.T, c incident.Change, err error) incident.Incident {
	t.Helper()
	if err != nil {
		t.Fatalf("the rules refuse the test's own story: %v", err)
	}
	return c.Incident
}

func detected() incident.Incident {
	return incident.Open(incident.New{
		Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JZ0000000000000000000000"},
		Alert: incident.Alert{Tenant: incident.DefaultTenant, Source: "api", Service: "prod-api-01", ErrorLogs: heap,
			Severity: incident.Critical, Link: "https://monitor.example.test/d/7?from=now-1h"},
		By:              incident.KeyActor("ci"),
		ApprovalTimeout: 4 * time.Hour, Now: at(10, 5),
	}).Incident
}

// waiting is an incident whose fix waits for a person.
func waiting(t *testing.T) incident.Incident {
	t.Helper()
	inc := detected()
	inc.Occurrences = 3
	c, err := inc.Propose(incident.Analysis{AnalyzedBy: incident.ByGemini, Cause: "Node.js heap out of memory. The process hit its heap limit under load.",
		Evidence: []string{heap, "Last GC: Mark-sweep 2047.1 MB"}, Confidence: 0.82},
		&incident.Proposal{FixID: "restart-service", Parameters: map[string]string{"grace_seconds": "30", "batch": "1"}}, at(10, 5))
	inc = must(t, c, err)
	plan := incident.Plan{FixID: "restart-service", Title: "Restart prod-api-01, one instance at a time", Risk: "medium",
		Target:     incident.Target{Service: "prod-api-01", Type: "simulated"},
		Parameters: inc.Proposal.Parameters, FixDigest: "d"}.Freeze(inc.Ref)
	c, err = inc.Planned(incident.Planning{Plan: &plan}, at(10, 5))
	inc = must(t, c, err)
	c, err = inc.Await(incident.Ask{Token: incident.NewTaskToken("token"), EnteredAt: at(10, 6), Now: at(10, 6)})
	return must(t, c, err)
}

// review is an incident without a fix, which waits for a person all the same.
func review(t *testing.T, reason string) incident.Incident {
	t.Helper()
	c, err := detected().Propose(incident.Analysis{AnalyzedBy: incident.ByNone, Cause: "No known failure signature matches these logs.", Evidence: []string{heap}, ManualReason: reason}, nil, at(10, 5))
	inc := must(t, c, err)
	c, err = inc.Await(incident.Ask{ManualReason: reason, Token: incident.NewTaskToken("token"), EnteredAt: at(10, 6), Now: at(10, 6)})
	return must(t, c, err)
}

func decide(t *testing.T, inc incident.Incident, a incident.Action, by incident.Actor, note string, planHash ...string) incident.Incident {
	t.Helper()
	c, err := inc.Vote(incident.Vote{Action: a, By: by, Note: note, PlanHash: strings.Join(planHash, "")}, incident.Verdict{Allowed: true, Decides: true, Have: 1, Needed: 1, Reason: "one is enough"}, at(11, 0))
	return must(t, c, err)
}

func executing(t *testing.T) incident.Incident {
	t.Helper()
	inc := decide(t, waiting(t), incident.Approve, incident.KeyActor("anna"), "go ahead")
	c, err := inc.Claim(incident.Claimer{}, inc.Plan, at(11, 1))
	return must(t, c, err)
}

func executed(t *testing.T, r incident.Result) incident.Incident {
	t.Helper()
	c, err := executing(t).Record(r, at(11, 3))
	return must(t, c, err)
}

func finished(t *testing.T, r incident.Result) incident.Incident {
	t.Helper()
	return closed(t, executed(t, r))
}

func closed(t *testing.T, inc incident.Incident) incident.Incident {
	t.Helper()
	c, err := inc.Close("the tracker did not answer", at(14, 6))
	return must(t, c, err)
}

func timedOut(t *testing.T) incident.Incident {
	t.Helper()
	c, err := waiting(t).Settle(incident.ReasonApprovalTimeout, at(14, 6))
	return must(t, c, err)
}

func afterwards(t *testing.T, by incident.Actor) incident.Incident {
	t.Helper()
	inc := closed(t, ticketed(t, timedOut(t), incident.Ticket{Tracker: "simulated", Key: "SIM-1"}))
	c, err := inc.ResolveEscalated(by, "the leak was in the cache", at(14, 59))
	return must(t, c, err)
}

func ticketed(t *testing.T, inc incident.Incident, ticket incident.Ticket) incident.Incident {
	t.Helper()
	c, err := inc.Ticketed(ticket, at(14, 6))
	return must(t, c, err)
}

func recovered(t *testing.T) incident.Incident {
	t.Helper()
	c, err := waiting(t).Recover(at(10, 30))
	return closed(t, must(t, c, err))
}
