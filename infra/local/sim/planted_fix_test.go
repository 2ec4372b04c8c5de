package sim

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func fixPlants() []plant {
	execute := func(load func(incident.Incident) incident.Incident, commit func(incident.Change, incident.Incident) incident.Change) Hooks {
		return Hooks{Steps: func(s *Steps) { alter(&s.Execute.Store, load, commit) }}
	}
	return []plant{
		{"it acts before the claim is persisted", invApproval, Hooks{Steps: func(s *Steps) { s.ExecuteFix = actFirst(s.Execute) }}},
		{"today's plan is not compared with the approved one", invAllowed, Hooks{Steps: approvedToday}},
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

// already is an executor that has acted already.
type already struct {
	steps.Executor
	acted steps.Acted
}

func (a already) Act(context.Context, steps.Order) steps.Acted { return a.acted }

// opens gives one executor for every target.
type opens struct {
	steps.Executors
	exec steps.Executor
}

func (o opens) For(incident.Target) (steps.Executor, error) { return o.exec, nil }

// orderOf is the order that execute-fix gives for a plan.
func orderOf(inc incident.Incident, at time.Time) steps.Order {
	return steps.Order{Ref: inc.Ref, Plan: *inc.Plan, Key: inc.Plan.Key(inc.Ref, false), StartedAt: at}
}

func actFirst(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.FixProgress, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err != nil || inc.Attempt != nil || inc.Plan == nil {
			return s.Handle(ctx, ref)
		}
		exec, err := s.Executors.For(inc.Plan.Target)
		if err != nil {
			return s.Handle(ctx, ref)
		}
		s.Executors = opens{s.Executors, already{exec, exec.Act(ctx, orderOf(inc, s.Now()))}}
		return s.Handle(ctx, ref)
	}
}

// approvedToday takes the approved plan itself for what services.yaml makes of it today.
func approvedToday(s *Steps) {
	inner := s.Execute
	s.ExecuteFix = func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		inc, err := inner.Store.Load(ctx, ref)
		if err != nil {
			return steps.FixProgress{}, err
		}
		c, err := inc.Claim(incident.Claimer{Runner: inner.Runner}, inc.Plan, inner.Now())
		if err != nil || inner.Store.Commit(ctx, c) != nil {
			return inner.Handle(ctx, ref)
		}
		return actOn(ctx, inner, c.Incident)
	}
}

// actOn acts on a claimed plan and records what came of it.
func actOn(ctx context.Context, s steps.ExecuteFix, inc incident.Incident) (steps.FixProgress, error) {
	exec, err := s.Executors.For(inc.Plan.Target)
	if err != nil {
		return steps.FixProgress{}, err
	}
	if _, err = exec.Look(ctx, inc.Plan.Proposal()); err != nil {
		return steps.FixProgress{}, err
	}
	acted := exec.Act(ctx, orderOf(inc, inc.Attempt.StartedAt))
	var c incident.Change
	if acted.Outcome == "" {
		c, err = inc.Took(acted.Receipt, acted.Steps, false, s.Now())
	} else {
		c, err = inc.Record(incident.Result{Outcome: acted.Outcome, Verified: acted.Outcome == incident.Simulated, Steps: acted.Steps}, s.Now())
	}
	if err == nil {
		err = s.Store.Commit(ctx, c)
	}
	return steps.FixProgress{Outcome: acted.Outcome, Settled: acted.Outcome != "", WaitSeconds: 1}, err
}

func runAgain(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.FixProgress, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err == nil && inc.Attempt != nil && inc.Attempt.FinishedAt == nil {
			if exec, err := s.Executors.For(inc.Plan.Target); err == nil {
				exec.Act(ctx, orderOf(inc, inc.Attempt.StartedAt))
			}
		}
		return s.Handle(ctx, ref)
	}
}
