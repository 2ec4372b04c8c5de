package sim

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// turnPlants are bugs in who may work on a target, and when.
func turnPlants() []plant {
	crowded := func(p *profile) { p.crowd, p.timeouts, p.alerts, p.troubles = true, 2, 6, 5 }
	execute := func(commit func(c incident.Change) incident.Change, p func(*profile)) Hooks {
		rewrite := func(c incident.Change, _ incident.Incident) incident.Change { return commit(c) }
		return Hooks{Steps: func(s *Steps) { alter(&s.Execute.Store, nil, rewrite) }, profile: p}
	}
	return []plant{
		{"hold freed too early: by a look while the fix may run", invOnce, execute(func(c incident.Change) incident.Change {
			if c.Event.Details["looked"] == "true" {
				c.Free = c.Incident.Plan.Target.Key()
			}
			return c
		}, nil)},
		{"hold freed too early: by a call that does not know how its fix ended", invOnce, execute(func(c incident.Change) incident.Change {
			if at := c.Incident.Attempt; c.Event.Action == incident.EventFixFinished && at.Outcome == incident.Unknown {
				c.Free = c.Incident.Plan.Target.Key()
			}
			return c
		}, nil)},
		{"hold freed too early: with the incident's end, whatever became of the fix", invOnce, Hooks{Steps: func(s *Steps) {
			alter(&s.Close.Store, nil, func(c incident.Change, _ incident.Incident) incident.Change {
				if c.Incident.Attempt != nil && c.FreeWait {
					c.Free = c.Incident.Plan.Target.Key()
				}
				return c
			})
		}}},
		{"hold freed too early: by one of several processes, which takes the others for dead", invOnce, Hooks{Steps: func(s *Steps) {
			s.Execute.Runner = string(s.Execute.Now().AppendFormat(nil, incident.TimeFormat))
		}}},
		{"the limit of a group is ignored", invAtOnce, execute(func(c incident.Change) incident.Change {
			if c.Take != nil {
				take := *c.Take
				take.AtOnce = incident.AtOnce{}
				c.Take = &take
			}
			return c
		}, func(p *profile) { crowded(p); p.grouped = true })},
		{"a place is never given back, and said to be", invTruth, execute(func(c incident.Change) incident.Change {
			c.FreeGroup = ""
			return c
		}, func(p *profile) { p.grouped = true })},
		{"hold never freed", invOnce, execute(func(c incident.Change) incident.Change {
			c.Free = ""
			return c
		}, nil)},
		{"hold never freed: by the rerun after the process that acted has died", invOnce, execute(func(c incident.Change) incident.Change {
			if c.Event.Details["looked"] == "true" {
				c.Free = ""
			}
			return c
		}, nil)},
		{"hold never freed, and said to be", invTruth, execute(func(c incident.Change) incident.Change {
			c.Free = ""
			return c
		}, nil)},
		{"busy retried after the claim", invOnce, Hooks{Steps: func(s *Steps) {
			s.ExecuteFix = busyAfterwards(s.Execute)
		}}},
		{"a claim in doubt is said not to have been made", invOnce, Hooks{Steps: func(s *Steps) {
			s.ExecuteFix = doubtless(s.Execute)
		}, profile: func(p *profile) { p.duplicate, p.lost = 0, 0.2 }}},
		{"a busy target ends the approval at once", invTruth, Hooks{Steps: func(s *Steps) {
			s.ExecuteFix = impatient(s.Execute)
		}, profile: crowded}},
		{"a fix that waits is not called again", invTurn, Hooks{Steps: func(s *Steps) {
			s.ExecuteFix = forgotten(s.Execute)
		}, profile: crowded}},
		{"whatever grew old is said to have waited for its target", invTruth, execute(func(c incident.Change) incident.Change {
			if c.Incident.Queued != nil && c.Incident.Refusal == incident.ReasonApprovalStale {
				c.Incident.Refusal = incident.ReasonTargetBusy
				c.Event.Details["reason"] = string(incident.ReasonTargetBusy)
				c.Event.Hash = c.Event.HashFor(c.Incident.Ref)
				c.Incident.HeadHash = c.Event.Hash
			}
			return c
		}, func(p *profile) { crowded(p); p.oneProcess, p.crash, p.stall, p.slow = true, 0.1, 0, 0 })},
	}
}

// busyAfterwards finds out that the target is busy when it has claimed and acted.
func busyAfterwards(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.FixProgress, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		out, err := s.Handle(ctx, ref)
		if err == nil && out.Outcome != incident.Failed {
			return steps.FixProgress{}, incident.Busy(ref)
		}
		return out, err
	}
}

// doubtless takes every failure of the store for one before the claim.
func doubtless(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.FixProgress, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		out, err := s.Handle(ctx, ref)
		if incident.KindOf(err) == incident.Unavailable {
			err = incident.Fail(incident.Unavailable, incident.CodeNotStarted, "not started")
		}
		return out, err
	}
}

// impatient gives an approved fix up when its target is busy, as if that were for good.
func impatient(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.FixProgress, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		out, err := s.Handle(ctx, ref)
		if incident.CodeOf(err) != incident.CodeTargetBusy {
			return out, err
		}
		inc, failed := s.Store.Load(ctx, ref)
		if failed != nil {
			return out, err
		}
		c, failed := inc.Refuse(incident.ReasonTargetBusy, s.Now())
		if failed == nil && s.Store.Commit(ctx, c) == nil {
			return out, incident.Fail(incident.Conflict, incident.CodeRefused, "the target is busy")
		}
		return out, err
	}
}

// forgotten answers only when the approval is too old.
func forgotten(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.FixProgress, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err == nil && inc.Queued != nil && s.Now().Sub(inc.Decision.At) <= incident.MaxApprovalAge {
			return steps.FixProgress{}, incident.Busy(incident.Ref{Tenant: ref.Tenant, ID: inc.Queued.Holder})
		}
		return s.Handle(ctx, ref)
	}
}
