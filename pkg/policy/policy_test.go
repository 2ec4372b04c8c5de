package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/policy"
)

const (
	anna = incident.Actor("key:anna")
	ben  = incident.Actor("key:ben")
	link = incident.Actor("link:discord")
	hash = "aaaa"
)

func at() time.Time { return time.Date(2026, 11, 2, 14, 5, 0, 0, time.UTC) }

func vote(by incident.Actor, action incident.Action) incident.Vote {
	return incident.Vote{By: by, Action: action, PlanHash: hash, At: at()}
}

func approval(by incident.Actor) incident.Vote { return vote(by, incident.Approve) }

func TestRuleFor(t *testing.T) {
	plan := func(fix string) *incident.Plan { return &incident.Plan{FixID: fix, Hash: hash} }
	svc := func(a inventory.Approval) inventory.Service { return inventory.Service{Name: "a", Approval: a} }
	two := []string{"rollback-deployment"}
	tests := []struct {
		name  string
		svc   inventory.Service
		known bool
		plan  *incident.Plan
		want  policy.Rule
	}{
		{"unknown service", inventory.Service{}, false, nil, policy.Rule{Quorum: 1}},
		{"unknown service that is given all the same", svc(inventory.Approval{Quorum: 3, Approvers: []string{"anna"}}), false, nil, policy.Rule{Quorum: 1}},
		{"quorum of the service", svc(inventory.Approval{Quorum: 3}), true, plan("scale-out"), policy.Rule{Quorum: 3, PlanHash: hash}},
		{"no quorum", svc(inventory.Approval{}), true, nil, policy.Rule{Quorum: 1}},
		{"approvers", svc(inventory.Approval{Quorum: 1, Approvers: []string{"anna"}}), true, nil, policy.Rule{Quorum: 1, Approvers: []string{"anna"}}},
		{"two-person fix", svc(inventory.Approval{Quorum: 1, TwoPersonFixes: two}), true, plan("rollback-deployment"), policy.Rule{Quorum: 2, PlanHash: hash}},
		{"two-person fix, higher quorum", svc(inventory.Approval{Quorum: 3, TwoPersonFixes: two}), true, plan("rollback-deployment"), policy.Rule{Quorum: 3, PlanHash: hash}},
		{"another fix", svc(inventory.Approval{Quorum: 1, TwoPersonFixes: two}), true, plan("scale-out"), policy.Rule{Quorum: 1, PlanHash: hash}},
		{"manual review", svc(inventory.Approval{Quorum: 1, TwoPersonFixes: two}), true, nil, policy.Rule{Quorum: 1}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, policy.RuleFor(tt.svc, tt.known, tt.plan)); diff != "" {
			t.Errorf("%s: the rule differs (-want +got):\n%s", tt.name, diff)
		}
	}
}

type decideCase struct {
	name  string
	rule  policy.Rule
	votes []incident.Vote
	vote  incident.Vote
	want  incident.Verdict
}

func checkDecide(t *testing.T, tests []decideCase) {
	t.Helper()
	for _, tt := range tests {
		got := policy.Decide(tt.rule, tt.votes, tt.vote, at())
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: the verdict differs (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestApprovals(t *testing.T) {
	one, two := policy.Rule{Quorum: 1, PlanHash: hash}, policy.Rule{Quorum: 2, PlanHash: hash}
	other := approval(anna)
	other.PlanHash = "bbbb"
	unnamed := approval(ben)
	unnamed.PlanHash = ""
	checkDecide(t, []decideCase{
		{"one key is enough", one, nil, approval(anna),
			incident.Verdict{Allowed: true, Decides: true, Have: 1, Needed: 1, Reason: "key:anna may decide; 1 of 1 approvals"}},
		{"quorum below 1 is 1", policy.Rule{}, nil, approval(anna),
			incident.Verdict{Allowed: true, Decides: true, Have: 1, Needed: 1, Reason: "key:anna may decide; 1 of 1 approvals"}},
		{"a link is enough alone", one, nil, approval(link),
			incident.Verdict{Allowed: true, Decides: true, Have: 1, Needed: 1, Reason: "link:discord may decide; 1 of 1 approvals"}},
		{"keyless mode", one, nil, approval(incident.Local),
			incident.Verdict{Allowed: true, Decides: true, Have: 1, Needed: 1, Reason: "local may decide; 1 of 1 approvals"}},
		{"first of two", two, nil, approval(anna),
			incident.Verdict{Allowed: true, Have: 1, Needed: 2, Reason: "key:anna may decide; 1 of 2 approvals"}},
		{"second of two", two, []incident.Vote{approval(anna)}, approval(ben),
			incident.Verdict{Allowed: true, Decides: true, Have: 2, Needed: 2, Reason: "key:ben may decide; 2 of 2 approvals"}},
		{"the same person twice", two, []incident.Vote{approval(anna)}, approval(anna),
			incident.Verdict{Allowed: true, Have: 1, Needed: 2, Reason: "key:anna may decide; 1 of 2 approvals"}},
		{"the other approved another plan", two, []incident.Vote{other}, approval(ben),
			incident.Verdict{Allowed: true, Have: 1, Needed: 2, Reason: "key:ben may decide; 1 of 2 approvals"}},
		{"a vote without a plan is for the frozen one", two, []incident.Vote{approval(anna)}, unnamed,
			incident.Verdict{Allowed: true, Decides: true, Have: 2, Needed: 2, Reason: "key:ben may decide; 2 of 2 approvals"}},
		{"a vote for another plan than the frozen one", one, nil, other,
			incident.Verdict{Allowed: true, Needed: 1, Reason: "key:anna may decide; the approval is of another plan"}},
		{"nothing to approve", policy.Rule{Quorum: 1}, nil, unnamed,
			incident.Verdict{Allowed: true, Needed: 1, Reason: "key:ben may decide; there is no plan to approve"}},
		{"a link counts for nothing under a quorum", two, []incident.Vote{approval(link)}, approval(ben),
			incident.Verdict{Allowed: true, Have: 1, Needed: 2, Reason: "key:ben may decide; 1 of 2 approvals"}},
		{"a link under a quorum", two, []incident.Vote{approval(anna)}, approval(link),
			incident.Verdict{Needed: 2, Reason: "link:discord cannot say who followed it, and this fix needs 2 different people; use an operator key"}},
		{"keyless mode under a quorum", two, nil, approval(incident.Local),
			incident.Verdict{Allowed: true, Have: 1, Needed: 2, Reason: "local may decide; 1 of 2 approvals; everybody without an operator key counts as one person"}},
		{"an approval by whoever was struck off since", policy.Rule{Quorum: 2, Approvers: []string{"ben", "carl"}}, []incident.Vote{approval(anna)}, approval(ben),
			incident.Verdict{Allowed: true, Have: 1, Needed: 2, Reason: "key:ben may decide; 1 of 2 approvals"}},
	})
}

func TestOnePersonStopsAFix(t *testing.T) {
	two := policy.Rule{Quorum: 2, PlanHash: hash}
	checkDecide(t, []decideCase{
		{"escalate by key", two, []incident.Vote{approval(anna)}, vote(ben, incident.Escalate),
			incident.Verdict{Allowed: true, Decides: true, Needed: 2, Reason: "key:ben may decide; escalate takes one person"}},
		{"whoever approved may think again", two, []incident.Vote{approval(anna)}, vote(anna, incident.Escalate),
			incident.Verdict{Allowed: true, Decides: true, Needed: 2, Reason: "key:anna may decide; escalate takes one person"}},
		{"resolve by link", two, nil, vote(link, incident.Resolve),
			incident.Verdict{Allowed: true, Decides: true, Needed: 2, Reason: "link:discord may decide; resolve takes one person"}},
		{"manual review", policy.Rule{Quorum: 1}, nil, incident.Vote{By: incident.Local, Action: incident.Resolve},
			incident.Verdict{Allowed: true, Decides: true, Needed: 1, Reason: "local may decide; resolve takes one person"}},
	})
}

func TestWhoMayNot(t *testing.T) {
	named := policy.Rule{Quorum: 1, Approvers: []string{"anna", "ben"}, PlanHash: hash}
	open := policy.Rule{Quorum: 1, PlanHash: hash}
	refused := func(why string) incident.Verdict { return incident.Verdict{Needed: 1, Reason: why} }
	onlyPeople := " may not vote; only people decide, with an operator key or a decision link"
	checkDecide(t, []decideCase{
		{"approver", named, nil, approval(ben),
			incident.Verdict{Allowed: true, Decides: true, Have: 1, Needed: 1, Reason: "key:ben may decide; 1 of 1 approvals"}},
		{"another key", named, nil, approval("key:carl"), refused("key:carl may not decide; this service names its approvers: anna, ben")},
		{"key in other spelling", named, nil, approval("key:Anna"), refused("key:Anna may not decide; this service names its approvers: anna, ben")},
		{"another key that escalates", named, nil, vote("key:carl", incident.Escalate), refused("key:carl may not decide; this service names its approvers: anna, ben")},
		{"link where approvers are named", named, nil, vote(link, incident.Resolve), refused("link:discord may not decide; this service names its approvers: use the operator key of anna, ben")},
		{"link named like an approver", named, nil, approval("link:anna"), refused("link:anna may not decide; this service names its approvers: use the operator key of anna, ben")},
		{"local where approvers are named", named, nil, approval(incident.Local), refused("local may not decide; this service names its approvers: use the operator key of anna, ben")},
		{"a source", open, nil, approval(incident.SourceActor("pagerduty")), refused("source:pagerduty" + onlyPeople)},
		{"the system", open, nil, vote(incident.System, incident.Escalate), refused("system" + onlyPeople)},
		{"nobody", open, nil, approval(""), refused(onlyPeople)},
		{"a key without a name", open, nil, approval("key:"), refused("key:" + onlyPeople)},
		{"a link without a channel", open, nil, approval("link:"), refused("link:" + onlyPeople)},
		{"an unknown action", open, nil, vote(anna, "delete"), refused("the action is not approve, escalate or resolve")},
	})
}
