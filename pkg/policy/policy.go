// Package policy says who may decide on an incident, and when a decision stands.
// Start reading at Decide. It is pure: rule and votes in, verdict and reason out;
// pkg/incident then holds the vote against the record (deadline, plan, what
// stands already).
package policy

import (
	"slices"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// Rule is who may decide on one incident.
type Rule struct {
	Approvers []string // names of operator keys; empty: any operator
	Quorum    int      // different people that must approve the same plan; below 1 counts as 1
	PlanHash  string   // of the frozen plan, when there is one: an approval of another never decides
}

// RuleFor is the rule for an incident of a service. For a service that is not in
// services.yaml (known is false) any operator may decide, alone: there is no fix
// to approve, only a manual review to close. plan is the one that the vote is about: in
// a manual review the candidate that it names, or nil.
func RuleFor(svc inventory.Service, known bool, plan *incident.Plan) Rule {
	rule := Rule{Quorum: 1}
	if plan != nil {
		rule.PlanHash = plan.Hash
	}
	if !known {
		return rule
	}
	rule.Approvers = slices.Clone(svc.Approval.Approvers)
	fixID := ""
	if plan != nil {
		fixID = plan.FixID
	}
	rule.Quorum = svc.NeededFor(fixID)
	return rule
}
