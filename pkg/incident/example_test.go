package incident_test

import (
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// An incident is opened, a person is asked, and decides. Each method returns a
// Change, which a store commits whole; the example keeps them in memory.
func Example() {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	var trail []incident.Event
	commit := func(c incident.Change, err error) incident.Incident {
		if err != nil {
			panic(err)
		}
		trail = append(trail, c.Event)
		return c.Incident
	}

	ref := incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JDEF0123456789ABCDEFGHJK"}
	inc := commit(incident.Open(incident.New{
		Ref: ref, By: incident.SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: now,
		Alert: incident.Alert{
			Tenant: ref.Tenant, Source: "api", Service: "prod-api-01", Severity: incident.High, ErrorLogs: "heap out of memory",
		},
	}), nil)
	plan := incident.Plan{
		FixID: "restart-service", Target: incident.Target{Service: "prod-api-01", Type: incident.SimulatedTarget},
	}.Freeze(ref)
	inc = commit(inc.Planned(incident.Planning{Plan: &plan}, now))
	inc = commit(inc.Await(incident.Ask{Token: incident.NewTaskToken("t"), EnteredAt: now, Now: now}))
	fmt.Println(inc.Status, "until", incident.FormatTime(inc.Asked.Deadline))

	vote := incident.Vote{Action: incident.Approve, By: incident.KeyActor("anna"), PlanHash: plan.Hash}
	verdict := incident.Verdict{Allowed: true, Decides: true, Reason: "anna may decide"}
	inc = commit(inc.Vote(vote, verdict, now.Add(time.Minute)))
	fmt.Println("decided:", inc.Decision.Action, "by", inc.Decision.By)

	for _, e := range trail {
		fmt.Println(e.Seq, e.Actor, e.Action)
	}
	fmt.Println("whole:", incident.VerifyChain(inc, trail) == nil)
	trail[1].Actor = incident.KeyActor("mallory")
	fmt.Println("falsified:", *incident.VerifyChain(inc, trail))

	// Output:
	// WAITING_FOR_APPROVAL until 2026-11-24T13:59:00.000Z
	// decided: approve by key:anna
	// 1 source:api detected
	// 2 system planned
	// 3 system approval-requested
	// 4 key:anna decided
	// whole: true
	// falsified: {2 was changed, or belongs to another incident}
}

// A decision that comes too late is refused with a code that callers can match.
func ExampleIncident_Vote() {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	inc := incident.Incident{Status: incident.WaitingForApproval, Asked: &incident.Asked{Deadline: now}}
	_, err := inc.Vote(incident.Vote{Action: incident.Escalate, By: incident.Local}, incident.Verdict{Allowed: true, Decides: true}, now)
	fmt.Println(incident.KindOf(err), incident.CodeOf(err))
	fmt.Println(err)
	// Output:
	// Expired expired
	// the time to decide is over; the incident is WAITING_FOR_APPROVAL
}
