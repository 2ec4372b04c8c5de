package sim

import (
	"slices"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/policy"
)

// checkPlan: the plan is the one that people were asked about, and what
// services.yaml allowed for that very service when they were.
func (r record) checkPlan() {
	plan := r.inc.Plan
	asked := r.event(incident.EventAsked)
	if plan == nil || asked == nil {
		return
	}
	if r.chosen() {
		r.checkChosen()
	} else if plan.Hash != asked.Details["planHash"] {
		r.blame(invApproval, "the plan is not the one that people were asked about")
	}
	if plan.HashFor(r.inc.Ref) != plan.Hash {
		r.blame(invApproval, "the plan is not the one that its hash says")
	}
	if d := r.inc.Decision; d != nil && d.Action == incident.Approve && d.PlanHash != plan.Hash {
		r.blame(invApproval, "the approval is of another plan than the record's")
	}
	for _, written := range r.w.writes {
		c := written.change
		if c.Incident.Ref != r.inc.Ref {
			continue
		}
		switch {
		case c.Event.Action == incident.EventPlanned && !allows(written.deploy, r.inc, *plan):
			r.blame(invAllowed, "a fix was planned that services.yaml does not allow")
		case c.Event.Action == incident.EventDecided && c.Incident.Decision.Action == incident.Approve:
			r.checkQuorum(written)
		}
	}
}

// checkQuorum holds an approval against who could give it when it was given.
func (r record) checkQuorum(decided write) {
	inc := decided.change.Incident
	svc, known := decided.deploy.inventory.Lookup(inc.Service)
	rule := policy.RuleFor(svc, known, inc.Plan)
	people := map[incident.Actor]bool{}
	for _, v := range inc.Votes {
		if v.Action == incident.Approve && v.PlanHash == inc.Plan.Hash {
			people[v.By] = true
		}
	}
	if len(people) < rule.Quorum {
		r.blame(invApproval, "%d people approved; the rule asks for %d", len(people), rule.Quorum)
	}
	if len(rule.Approvers) > 0 && !slices.ContainsFunc(rule.Approvers, func(name string) bool { return incident.KeyActor(name) == inc.Decision.By }) {
		r.blame(invApproval, "%s approved, who is not among the approvers", inc.Decision.By)
	}
}

// allows reports whether a plan is what the services.yaml of a deployment makes
// of its own fix for the incident's service.
func allows(d *deployment, inc incident.Incident, plan incident.Plan) bool {
	svc, known := d.inventory.Lookup(inc.Service)
	if !known {
		return false
	}
	built, err := catalog.Build(inc.Ref, svc.Fixes, svc.Target, incident.Proposal{FixID: plan.FixID, Parameters: plan.Parameters})
	built.Terms = d.inventory.TermsOf(svc, plan.FixID)
	return err == nil && built.HashFor(inc.Ref) == plan.Bare().HashFor(inc.Ref)
}

// checkModel: a proposal comes from a model that answered, or where there is no
// model from the rules; whatever else is a manual review.
func (r record) checkModel() {
	a, p := r.inc.Analysis, r.inc.Proposal
	switch {
	case a == nil && p != nil:
		r.blame(invModel, "it has a proposal and no analysis")
	case a == nil || !r.w.profile.model:
	case a.AnalyzedBy == incident.ByGemini && !r.w.modelAnswered[r.inc.Ref]:
		r.blame(invModel, "the analysis is said to be the model's, which never answered")
	case a.AnalyzedBy != incident.ByGemini && p != nil:
		r.blame(invModel, "the model gave no analysis, and a fix was proposed")
	}
	if plan := r.inc.Plan; plan != nil && !r.chosen() && (p == nil || p.FixID != plan.FixID) {
		r.blame(invModel, "the plan is for %s; proposed was %v", plan.FixID, p)
	}
}

// checkClaim: nothing is claimed that had recovered or been refused, or on an
// approval that is too old.
func (r record) checkClaim() {
	started := r.event(incident.EventFixStarted)
	if started == nil {
		return
	}
	for _, e := range r.events[:started.Seq] {
		switch e.Action {
		case incident.EventRecovered:
			r.blame(invApproval, "the fix was claimed after the source had reported recovery")
		case incident.EventFixRefused:
			r.blame(invApproval, "the fix was claimed after it had been refused")
		case incident.EventDecided:
			if age := started.Time.Sub(e.Time); age > incident.MaxApprovalAge {
				r.blame(invApproval, "the fix was claimed on an approval %s old", age)
			}
		}
	}
}
