package sim

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func fixPlants() []plant {
	execute := func(load func(incident.Incident) incident.Incident, commit func(incident.Change, incident.Incident) incident.Change) Hooks {
		return Hooks{Steps: func(s *Steps) { alter(&s.Execute.Store, load, commit) }}
	}
	return []plant{
		{"it acts before the claim is persisted", invApproval, Hooks{Steps: func(s *Steps) { s.ExecuteFix = actFirst(s.Execute) }}},
		{"today's plan is not compared with the approved one", invAllowed, Hooks{Steps: func(s *Steps) { s.ExecuteFix = claimUnseen(s.Execute) }}},
		{"a stale approval is accepted", invApproval, Hooks{Steps: func(s *Steps) {
			now := s.Execute.Now
			alter(&s.Execute.Store, func(inc incident.Incident) incident.Incident {
				if inc.Decision != nil {
					d := *inc.Decision
					d.At, inc.Decision = now(), &d
				}
				return inc
			}, func(c incident.Change, real incident.Incident) incident.Change {
				c.Incident.Decision = real.Decision
				return c
			})
		}}},
		{"recoveredAt is ignored", invApproval, execute(func(inc incident.Incident) incident.Incident {
			inc.RecoveredAt = nil
			return inc
		}, func(c incident.Change, real incident.Incident) incident.Change {
			c.Incident.RecoveredAt = real.RecoveredAt
			return c
		})},
		{"the target is not taken", invOnce, execute(nil, func(c incident.Change, _ incident.Incident) incident.Change {
			c.Take = nil
			return c
		})},
		{"the fix is run again after a crash between claim and result", invOnce, Hooks{Steps: func(s *Steps) { s.ExecuteFix = runAgain(s.Execute) }}},
		{"an unknown outcome is recorded as fixed", invTruth, execute(nil, func(c incident.Change, _ incident.Incident) incident.Change {
			if at := c.Incident.Attempt; at != nil && at.Outcome == incident.Unknown {
				claimed := *at
				claimed.Outcome, claimed.Verified = incident.Fixed, true
				c.Incident.Attempt = &claimed
			}
			return c
		})},
		{"a refused fix is claimed later", invApproval, Hooks{Steps: func(s *Steps) {
			alter(&s.Execute.Store, func(inc incident.Incident) incident.Incident {
				inc.Refusal = ""
				return inc
			}, nil)
		}, profile: func(p *profile) { p.duplicate, p.fail = 0.5, 0.1 }}},
	}
}

// ran is an executor that has run already.
type ran struct {
	steps.Executor
	result incident.Result
}

func (r ran) Run(context.Context, incident.Ref, incident.Plan) incident.Result { return r.result }

func actFirst(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.ExecuteFixOutput, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.ExecuteFixOutput, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err != nil || inc.Attempt != nil || inc.Plan == nil {
			return s.Handle(ctx, ref)
		}
		s.Executor = ran{s.Executor, s.Executor.Run(ctx, ref, *inc.Plan)}
		return s.Handle(ctx, ref)
	}
}

// claimUnseen claims with the approved plan itself in the place of today's.
func claimUnseen(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.ExecuteFixOutput, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.ExecuteFixOutput, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err != nil {
			return steps.ExecuteFixOutput{}, err
		}
		c, err := inc.Claim(incident.Claimer{}, inc.Plan, s.Now())
		if err != nil || s.Store.Commit(ctx, c) != nil {
			return s.Handle(ctx, ref)
		}
		result := s.Executor.Run(ctx, ref, *inc.Plan)
		if c, err = c.Incident.Record(result, s.Now()); err == nil {
			err = s.Store.Commit(ctx, c)
		}
		return steps.ExecuteFixOutput{Outcome: result.Outcome, Verified: result.Verified}, err
	}
}

func runAgain(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.ExecuteFixOutput, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.ExecuteFixOutput, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err == nil && inc.Attempt != nil && inc.Attempt.FinishedAt == nil {
			s.Executor.Run(ctx, ref, *inc.Plan)
		}
		return s.Handle(ctx, ref)
	}
}
