package sim

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// altering is a target of which each method may be replaced.
type altering struct {
	steps.Executor
	look   func(steps.Executor, context.Context, incident.Proposal) (incident.State, error)
	verify func(steps.Executor, context.Context, steps.Order) (steps.Sight, error)
	undo   func(steps.Executor, context.Context, steps.Order) steps.Acted
}

func (a altering) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	if a.look != nil {
		return a.look(a.Executor, ctx, p)
	}
	return a.Executor.Look(ctx, p)
}

func (a altering) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	if a.verify != nil {
		return a.verify(a.Executor, ctx, o)
	}
	return a.Executor.Verify(ctx, o)
}

func (a altering) Undo(ctx context.Context, o steps.Order) steps.Acted {
	if a.undo != nil {
		return a.undo(a.Executor, ctx, o)
	}
	return a.Executor.Undo(ctx, o)
}

// replaced opens targets with methods replaced.
type replaced struct {
	steps.Executors
	with altering
}

func (r replaced) For(target incident.Target) (steps.Executor, error) {
	exec, err := r.Executors.For(target)
	r.with.Executor = exec
	return r.with, err
}

// sees has verify-fix see another phase of what is not only walked through.
func sees(change func(o steps.Order, seen steps.Phase) steps.Phase) func(*Steps) {
	return func(s *Steps) {
		s.Verify.Executors = replaced{s.Verify.Executors, altering{verify: func(x steps.Executor, ctx context.Context, o steps.Order) (steps.Sight, error) {
			sight, err := x.Verify(ctx, o)
			if err == nil && !o.Plan.Simulated() {
				sight.Phase = change(o, sight.Phase)
			}
			return sight, err
		}}}
	}
}

// lookingAway is execute-fix that takes the target to be as it was planned, whether or not
// it has looked.
func lookingAway(looks bool) func(*Steps) {
	return func(s *Steps) {
		execute := s.Execute
		s.ExecuteFix = func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
			inc, err := execute.Store.Load(ctx, ref)
			if err != nil || inc.Plan == nil {
				return execute.Handle(ctx, ref)
			}
			step := execute
			step.Executors = replaced{execute.Executors, altering{look: func(x steps.Executor, ctx context.Context, p incident.Proposal) (incident.State, error) {
				if looks {
					if _, err := x.Look(ctx, p); err != nil {
						return nil, err
					}
				}
				return inc.Plan.Present, nil
			}}}
			return step.Handle(ctx, ref)
		}
	}
}

// trusting is execute-fix that, called again, takes a fix for done that the platform shows
// to be.
func trusting(s *Steps) {
	execute := s.Execute
	s.ExecuteFix = func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		inc, err := execute.Store.Load(ctx, ref)
		if err != nil || inc.Attempt == nil || inc.Attempt.FinishedAt != nil || inc.Plan.Simulated() {
			return execute.Handle(ctx, ref)
		}
		exec, err := execute.Executors.For(inc.Plan.Target)
		if err != nil {
			return execute.Handle(ctx, ref)
		}
		if sight, err := exec.Verify(ctx, orderOf(inc, inc.Attempt.StartedAt)); err != nil || sight.Phase != steps.Verified {
			return execute.Handle(ctx, ref)
		}
		c, err := inc.Record(incident.Result{Outcome: incident.Fixed, Verified: true, Looked: true}, execute.Now())
		if err == nil {
			err = execute.Store.Commit(ctx, c)
		}
		return steps.FixProgress{Outcome: incident.Fixed, Verified: true, Settled: true, WaitSeconds: 1}, err
	}
}

// difficult makes what these bugs need less rare.
func difficult(p *profile) {
	p.eager, p.model, p.timeouts, p.sick, p.badFix, p.late, p.drift = true, true, 1, 0.6, 0.2, 0.2, 0.1
	p.alerts, p.troubles = 5, 4
}

// callOnly takes a target for as long as a call may take, and not for what it begins.
func callOnly(c incident.Change, _ incident.Incident) incident.Change {
	if c.Take != nil {
		take, at := *c.Take, *c.Incident.Attempt
		take.Until = take.From.Add(incident.HoldTime)
		at.Until = take.Until
		c.Take, c.Incident.Attempt = &take, &at
	}
	return c
}

// settlePlants are bugs in looking at what settles.
func settlePlants() []plant {
	verify := func(commit func(c incident.Change) incident.Change) Hooks {
		rewrite := func(c incident.Change, _ incident.Incident) incident.Change { return commit(c) }
		return Hooks{Steps: func(s *Steps) { alter(&s.Verify.Store, nil, rewrite) }, profile: difficult}
	}
	careless := func(p *profile) { difficult(p); p.careless, p.drift = true, 0.3 }
	return []plant{
		{"drift is ignored", invDrift, Hooks{Steps: lookingAway(true), profile: careless}},
		{"the target is not looked at before the fix", invDrift, Hooks{Steps: lookingAway(false), profile: difficult}},
		{"a look acts where it sees that nothing was done", invLook, Hooks{Steps: func(s *Steps) {
			s.Verify.Executors = replaced{s.Verify.Executors, altering{verify: func(x steps.Executor, ctx context.Context, o steps.Order) (steps.Sight, error) {
				sight, err := x.Verify(ctx, o)
				if sight.Phase == steps.NotVerified {
					o.Key += " again" // to the same key the platform would do nothing
					x.Act(ctx, o)
				}
				return sight, err
			}}}
		}, profile: func(p *profile) { difficult(p); p.careless = true }}},
		{"a fix is recorded as fixed while it settles", invTruth, Hooks{Steps: sees(func(o steps.Order, seen steps.Phase) steps.Phase {
			if seen == steps.Settling {
				return steps.Verified
			}
			return seen
		}), profile: difficult}},
		{"a fix that stopped halfway is recorded as fixed", invTruth, Hooks{Steps: sees(func(o steps.Order, seen steps.Phase) steps.Phase {
			if seen == steps.NotVerified && !o.Undoing {
				return steps.Verified
			}
			return seen
		}), profile: difficult}},
		{"the service is not asked how it is", invTruth, Hooks{Steps: func(s *Steps) { s.Verify.Prober = nil }, profile: difficult}},
		{"a rerun takes the platform's word for the service's health", invTruth, Hooks{Steps: trusting,
			profile: func(p *profile) { difficult(p); p.duplicate, p.sick, p.badFix = 0.9, 1, 0 }}},
		{"a fix that did not help is said to have changed nothing", invTruth, verify(func(c incident.Change) incident.Change {
			if at := c.Incident.Attempt; at != nil && at.Outcome == incident.Applied {
				failed := *at
				failed.Outcome = incident.Failed
				c.Incident.Attempt = &failed
			}
			return c
		})},
		{"the hold is not renewed while it settles", invHold, Hooks{Steps: func(s *Steps) {
			alter(&s.Execute.Store, nil, callOnly)
			alter(&s.Verify.Store, nil, func(c incident.Change, _ incident.Incident) incident.Change { c.Take = nil; return c })
		}, profile: difficult}},
		{"the target is held for the call, and not for what it begins", invOnce, Hooks{Steps: func(s *Steps) {
			alter(&s.Execute.Store, nil, callOnly)
		}, profile: func(p *profile) { difficult(p); p.oneProcess, p.crash = true, 0.05 }}},
		{"hold freed too early: when the limit is over, whatever the target does", invOnce, verify(func(c incident.Change) incident.Change {
			if at := c.Incident.Attempt; at.Outcome == incident.Applied && c.Event.Action == incident.EventFixFinished {
				c.Free = c.Incident.Plan.Target.Key()
			}
			return c
		})},
		{"hold never freed: by the look that sees the fix work", invOnce, verify(func(c incident.Change) incident.Change {
			c.Free = ""
			return c
		})},
	}
}

// undoPlants are bugs in undoing.
func undoPlants() []plant {
	undo := func(commit func(c incident.Change) incident.Change, p func(*profile)) Hooks {
		rewrite := func(c incident.Change, _ incident.Incident) incident.Change { return commit(c) }
		return Hooks{Steps: func(s *Steps) { alter(&s.Undo.Store, nil, rewrite) }, profile: p}
	}
	wilful := func(undo func(steps.Executor, context.Context, steps.Order) steps.Acted) Hooks {
		return Hooks{Steps: func(s *Steps) { s.Undo.Executors = replaced{s.Undo.Executors, altering{undo: undo}} }, profile: difficult}
	}
	return []plant{
		{"a fix that works is undone", invUndo, Hooks{Steps: undoWhatWorks, profile: difficult}},
		{"what is undone is not what was approved", invApproval, wilful(func(x steps.Executor, ctx context.Context, o steps.Order) steps.Acted {
			o.Plan.Undo.Wanted = incident.State{version: "0"}
			return x.Undo(ctx, o)
		})},
		{"an undoing is done before it is claimed", invApproval, Hooks{Steps: func(s *Steps) {
			undo := s.Undo
			s.UndoFix = func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
				if inc, err := undo.Store.Load(ctx, ref); err == nil && inc.MayUndo(undo.Now()) {
					if exec, err := undo.Executors.For(inc.Plan.Target); err == nil {
						exec.Undo(ctx, undoOf(inc))
					}
				}
				return undo.Handle(ctx, ref)
			}
		}, profile: difficult}},
		{"a fix is undone twice", invOnce, Hooks{Steps: func(s *Steps) {
			undo := s.Undo
			s.UndoFix = func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
				if inc, err := undo.Store.Load(ctx, ref); err == nil && inc.Attempt.Undoing != nil {
					if exec, err := undo.Executors.For(inc.Plan.Target); err == nil {
						exec.Undo(ctx, undoOf(inc))
					}
				}
				return undo.Handle(ctx, ref)
			}
		}, profile: func(p *profile) { difficult(p); p.duplicate = 0.5 }}},
		{"an undoing that did not come to its end is said to be undone", invTruth, Hooks{Steps: sees(func(o steps.Order, seen steps.Phase) steps.Phase {
			if o.Undoing {
				return steps.Verified
			}
			return seen
		}), profile: difficult}},
		{"hold freed too early: as soon as the target has taken the undoing", invOnce, undo(func(c incident.Change) incident.Change {
			if c.Event.Action == incident.EventUndoApplied {
				c.Free = c.Incident.Plan.Target.Key()
			}
			return c
		}, difficult)},
		{"hold freed too early: by an undoing that failed, while the fix goes on beyond its limit", invOnce, undo(func(c incident.Change) incident.Change {
			if c.Event.Action == incident.EventUndoFinished && c.Incident.Attempt.Undoing.Outcome == incident.Failed {
				c.Free = c.Incident.Plan.Target.Key()
			}
			return c
		}, func(p *profile) { difficult(p); p.late, p.badFix, p.drift = 0.5, 0.3, 0.3 })},
	}
}

// undoWhatWorks takes a fix that is verified for one that did not help.
func undoWhatWorks(s *Steps) {
	verify := s.Verify
	s.VerifyFix = func(ctx context.Context, ref incident.Ref) (steps.FixProgress, error) {
		p, err := verify.Handle(ctx, ref)
		if p.Outcome == incident.Fixed {
			p.Outcome, p.Verified, p.Undo = incident.Applied, false, true
		}
		return p, err
	}
	alter(&s.Undo.Store, func(inc incident.Incident) incident.Incident {
		if inc.Attempt != nil && inc.Attempt.Outcome == incident.Fixed {
			at := *inc.Attempt
			at.Outcome, at.Verified, at.Held = incident.Applied, false, true
			inc.Attempt = &at
		}
		return inc
	}, func(c incident.Change, real incident.Incident) incident.Change {
		if real.Attempt != nil {
			at := *c.Incident.Attempt
			at.Outcome, at.Verified = real.Attempt.Outcome, real.Attempt.Verified
			c.Incident.Attempt = &at
		}
		return c
	})
}

// undoOf is the order that undo-fix gives for a plan.
func undoOf(inc incident.Incident) steps.Order {
	return steps.Order{Ref: inc.Ref, Plan: *inc.Plan, Key: inc.Plan.Key(inc.Ref, true), Undoing: true, StartedAt: inc.Attempt.StartedAt, Fix: inc.Attempt.Receipt}
}
