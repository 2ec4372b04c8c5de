package sim

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// contested makes nearly everything a manual review, in which people choose.
func contested(p *profile) {
	p.model, p.badModel, p.eager, p.crowd, p.timeouts = true, 1, false, false, 1
}

// choicePlants are bugs in choosing among candidates.
func choicePlants() []plant {
	return []plant{
		{"a hash that is no candidate's chooses the first one", invApproval, Hooks{Steps: func(s *Steps) {
			approve := s.Approve
			s.ApproveFix = func(ctx context.Context, in steps.ApproveFixInput) (steps.ApproveFixOutput, error) {
				inc, err := approve.Store.Load(ctx, in.Ref)
				if err == nil && in.PlanHash != "" && inc.Plan == nil && len(inc.Candidates) > 0 && !isCandidate(inc, in.PlanHash) {
					in.PlanHash = inc.Candidates[0].Hash
				}
				return approve.Handle(ctx, in)
			}
		}, profile: contested}},
		{"an approval without a hash chooses the first candidate", invChoice, Hooks{Steps: func(s *Steps) {
			approve := s.Approve
			s.ApproveFix = func(ctx context.Context, in steps.ApproveFixInput) (steps.ApproveFixOutput, error) {
				inc, err := approve.Store.Load(ctx, in.Ref)
				if err == nil && in.Action == incident.Approve && in.PlanHash == "" && inc.Plan == nil && len(inc.Candidates) > 0 {
					in.PlanHash = inc.Candidates[0].Hash
				}
				return approve.Handle(ctx, in)
			}
		}, profile: contested}},
		{"the first candidate is executed, whichever was chosen", invApproval, Hooks{Steps: executeFirst, profile: contested}},
		{"approvals of different candidates make one quorum", invApproval, Hooks{Steps: countTogether, profile: contested}},
	}
}

// executeFirst takes the first candidate for the one that was approved.
func executeFirst(s *Steps) {
	alter(&s.Execute.Store, func(inc incident.Incident) incident.Incident {
		if inc.Decision != nil && inc.Plan != nil && len(inc.Candidates) > 0 {
			d := *inc.Decision
			inc.Plan, d.PlanHash = &inc.Candidates[0], inc.Candidates[0].Hash
			inc.Decision = &d
		}
		return inc
	}, func(c incident.Change, real incident.Incident) incident.Change {
		c.Incident.Plan, c.Incident.Decision = real.Plan, real.Decision
		return c
	})
}

// countTogether takes every approval for one of the plan that is approved now.
func countTogether(s *Steps) {
	approve := s.Approve
	s.ApproveFix = func(ctx context.Context, in steps.ApproveFixInput) (steps.ApproveFixOutput, error) {
		step := approve
		alter(&step.Store, func(inc incident.Incident) incident.Incident {
			if in.Action != incident.Approve || !isCandidate(inc, in.PlanHash) {
				return inc
			}
			votes := make([]incident.Vote, len(inc.Votes))
			for n, v := range inc.Votes {
				if v.Action == incident.Approve {
					v.PlanHash = in.PlanHash
				}
				votes[n] = v
			}
			inc.Votes = votes
			return inc
		}, func(c incident.Change, real incident.Incident) incident.Change {
			for n, v := range real.Votes {
				if n < len(c.Incident.Votes) && c.Incident.Votes[n].By == v.By {
					c.Incident.Votes[n] = v
				}
			}
			return c
		})
		return step.Handle(ctx, in)
	}
}
