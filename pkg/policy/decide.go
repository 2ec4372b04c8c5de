package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

const keyPrefix = "key:"

// Decide says whether a vote is allowed, and whether it makes a decision stand.
// votes are those recorded before. Among them count approvals of the same plan, by
// people who may approve under today's rule; each person counts once. A vote that
// names no plan is for the rule's. Escalate and resolve stop the fix, so one person
// who may decide is enough.
//
// The reason is for a human and goes into the audit trail. No rule depends on
// the time yet; it is a parameter so that one can without a clock in here.
func Decide(rule Rule, votes []incident.Vote, vote incident.Vote, _ time.Time) incident.Verdict {
	needed := max(1, rule.Quorum)
	if why := barred(rule, vote.By, vote.Action); why != "" {
		return incident.Verdict{Reason: why, Needed: needed}
	}
	switch vote.Action {
	case incident.Approve:
	case incident.Escalate, incident.Resolve:
		return incident.Verdict{Allowed: true, Decides: true, Needed: needed,
			Reason: fmt.Sprintf("%s may decide; %s takes one person", vote.By, vote.Action)}
	default:
		return incident.Verdict{Reason: "the action is not approve, escalate or resolve", Needed: needed}
	}
	plan := vote.PlanHash
	if plan == "" {
		plan = rule.PlanHash
	}
	switch {
	case plan == "":
		return incident.Verdict{Allowed: true, Needed: needed,
			Reason: fmt.Sprintf("%s may decide; there is no plan to approve", vote.By)}
	case rule.PlanHash != "" && plan != rule.PlanHash:
		return incident.Verdict{Allowed: true, Needed: needed,
			Reason: fmt.Sprintf("%s may decide; the approval is of another plan", vote.By)}
	}
	have := approvals(rule, votes, vote.By, plan)
	reason := fmt.Sprintf("%s may decide; %d of %d approvals", vote.By, have, needed)
	if vote.By == incident.Local && have < needed {
		reason += "; everybody without an operator key counts as one person"
	}
	return incident.Verdict{Allowed: true, Decides: have >= needed, Have: have, Needed: needed, Reason: reason}
}

// approvals counts the different people who approve the plan, by among them.
func approvals(rule Rule, votes []incident.Vote, by incident.Actor, plan string) int {
	people := map[incident.Actor]bool{by: true}
	for _, v := range votes {
		if v.Action == incident.Approve && v.PlanHash == plan && barred(rule, v.By, v.Action) == "" {
			people[v.By] = true
		}
	}
	return len(people)
}

// barred says why somebody may not take part in a decision; "" if they may.
func barred(rule Rule, by incident.Actor, action incident.Action) string {
	name, isKey := strings.CutPrefix(string(by), keyPrefix)
	isKey = isKey && name != ""
	isLink := by.IsLink() && by != incident.LinkActor("")
	switch {
	case !isKey && !isLink && by != incident.Local:
		return fmt.Sprintf("%s may not vote; only people decide, with an operator key or a decision link", by)
	case len(rule.Approvers) > 0 && !isKey:
		return fmt.Sprintf("%s may not decide; this service names its approvers: use the operator key of %s", by, strings.Join(rule.Approvers, ", "))
	case len(rule.Approvers) > 0 && !slices.Contains(rule.Approvers, name):
		return fmt.Sprintf("%s may not decide; this service names its approvers: %s", by, strings.Join(rule.Approvers, ", "))
	case isLink && action == incident.Approve && rule.Quorum > 1:
		return fmt.Sprintf("%s cannot say who followed it, and this fix needs %d different people; use an operator key", by, rule.Quorum)
	}
	return ""
}
