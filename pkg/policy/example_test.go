package policy_test

import (
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/policy"
)

// Two different people must approve; the same one twice is still one.
func ExampleDecide() {
	rule := policy.Rule{Approvers: []string{"anna", "ben"}, Quorum: 2, PlanHash: "p1"}
	approve := func(by incident.Actor) incident.Vote {
		return incident.Vote{Action: incident.Approve, By: by, PlanHash: "p1"}
	}
	votes := []incident.Vote{approve("key:anna")}
	for _, by := range []incident.Actor{"key:anna", "key:ben", "key:carl", "link:discord"} {
		v := policy.Decide(rule, votes, approve(by), time.Time{})
		fmt.Println(v.Decides, v.Reason)
	}
	// Output:
	// false key:anna may decide; 1 of 2 approvals
	// true key:ben may decide; 2 of 2 approvals
	// false key:carl may not decide; this service names its approvers: anna, ben
	// false link:discord may not decide; this service names its approvers: use the operator key of anna, ben
}
