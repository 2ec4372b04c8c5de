package sim

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// act is one fix as the target itself lived it, from the beginning until nothing
// of it is under way any more, whether or not the process that began it lives.
type act struct {
	about  incident.Ref
	plan   incident.Plan
	deploy *deployment // what the acting process was started with
	begun  time.Time
	ended  time.Time
	open   bool // it has not ended
	done   bool // the target was changed

	record           incident.Incident // as the store had it when the fix began
	heldFrom, heldTo bool              // the target was taken by this incident when the fix began, when it ended
	elsewhere        int               // how many other fixes were under way on the target when it began
}

// platform opens the targets as one task sees them.
type platform struct{ t *task }

// For implements steps.Executors.
func (p platform) For(target incident.Target) (steps.Executor, error) {
	return executor{p.t, target}, nil
}

// Digest implements steps.Executors.
func (platform) Digest(_ incident.Target, fixID string) (string, error) {
	return "ability of " + fixID, nil
}

// executor is a target as one task sees it. It keeps the executor's contract: it does not
// begin after its time is up, and says unknown when it cannot tell.
type executor struct {
	t      *task
	target incident.Target
}

// Look implements steps.Executor.
func (x executor) Look(context.Context, incident.Proposal) (seen incident.State, err error) {
	err = x.t.call(call{port: "look", sys: sysTarget}, func() (string, error) { return "", nil })
	return nil, err
}

// Plan implements steps.Executor.
func (x executor) Plan(_ incident.State, p incident.Proposal) (incident.Draft, error) {
	return incident.Draft{Actions: []string{p.FixID}, Undo: incident.Undo{Not: "not yet"}}, nil
}

// Act implements steps.Executor.
func (x executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	w, about, plan := x.t.w, o.Ref, o.Plan
	limit := x.limit(ctx, about)
	err := x.t.call(call{port: "check target", about: about, sys: sysTarget, write: true}, func() (string, error) { return "", nil })
	if err != nil || !w.now().Before(limit) {
		return x.acted(incident.Failed, "check target")
	}
	bad := w.chance(w.profile.badFix)
	kind := w.rng.IntN(4)
	if bad && kind == 0 {
		return x.acted(incident.Failed, "refused by the target")
	}
	a := w.begin(x.t, about, plan)
	if plan.Simulated() {
		alive := x.t.pause(min(w.duration(), limit.Sub(w.now())))
		w.end(a, alive)
		if x.t.dead {
			return x.acted(incident.Unknown, "died")
		}
		return x.acted(incident.Simulated, "walked through")
	}
	done := !bad || kind != 1
	w.after(w.rest(w.now().Add(plan.Limit())), func() { w.end(a, done) })
	x.t.pause(w.latency())
	if x.t.dead || bad && kind == 2 {
		return x.acted(incident.Unknown, "the connection broke")
	}
	return x.acted("", "taken")
}

func (x executor) acted(outcome incident.Outcome, name string) steps.Acted {
	return steps.Acted{Outcome: outcome, Steps: []incident.FixStep{{Name: name, Status: "ok", At: x.t.w.now()}}}
}

// Verify implements steps.Executor: it reads what became of the plan.
func (x executor) Verify(_ context.Context, o steps.Order) (steps.Sight, error) {
	w := x.t.w
	sight := steps.Sight{Phase: steps.NotVerified, Steps: []incident.FixStep{{Name: "verify", Status: "ok", At: w.now()}}}
	err := x.t.call(call{port: "verify", about: o.Ref, sys: sysTarget}, func() (string, error) {
		for _, a := range w.acts {
			switch {
			case a.about != o.Ref || a.plan.Hash != o.Plan.Hash:
			case a.open:
				sight.Phase = steps.Settling
			case a.done:
				sight.Phase = steps.Verified
			}
		}
		return string(sight.Phase), nil
	})
	return sight, err
}

// Undo implements steps.Executor.
func (x executor) Undo(context.Context, steps.Order) steps.Acted {
	return x.acted(incident.Failed, "nothing to undo")
}

// limit is when the context ends, by the virtual clock. A step gives a duration,
// which counts from the real clock: it is either what is left of the time since
// the claim, or all of it anew.
func (x executor) limit(ctx context.Context, about incident.Ref) time.Time {
	now := x.t.w.now()
	anew := now.Add(incident.MaxFixTime)
	deadline, bounded := ctx.Deadline()
	claimed := x.t.w.memory.meta[about].Attempt
	switch {
	case ctx.Err() != nil:
		return now
	case !bounded || claimed == nil:
		return anew
	case !deadline.Before(epoch):
		return deadline
	}
	left := claimed.StartedAt.Add(incident.MaxFixTime).Sub(x.t.now())
	if time.Until(deadline) > left+time.Second {
		return anew
	}
	return now.Add(left)
}

// duration is how long a fix takes; some take nearly all the time there is.
func (w *World) duration() time.Duration {
	switch r := w.rng.IntN(10); {
	case w.profile.crowd && r < 8:
	case r < 3:
		return time.Duration(w.rng.IntN(1000)) * time.Millisecond
	case r < 7:
		return time.Duration(1+w.rng.IntN(60)) * time.Second
	}
	return time.Duration(1+w.rng.IntN(10)) * time.Minute
}

// rest is how long a real target goes on with a fix by itself, after the process
// that began it died or lost sight of it: a rollout, say. A fix has a limit.
func (w *World) rest(limit time.Time) time.Duration {
	return time.Duration(w.rng.Int64N(int64(max(limit.Sub(w.now()), 0)) + 1)).Truncate(time.Millisecond)
}

func (w *World) begin(t *task, about incident.Ref, plan incident.Plan) *act {
	a := &act{about: about, plan: plan, deploy: t.deploy, begun: w.now(), open: true,
		record: w.memory.meta[about], heldFrom: w.holds(about, plan)}
	for _, other := range w.acts {
		if other.open && other.plan.Target.Key() == plan.Target.Key() {
			a.elsewhere++
		}
	}
	w.acts = append(w.acts, a)
	w.note("target "+plan.Target.Key(), "begins "+plan.FixID, w.name(about), "for "+t.actor)
	return a
}

func (w *World) end(a *act, done bool) {
	a.ended, a.open, a.done, a.heldTo = w.now(), false, done, w.holds(a.about, a.plan)
	w.note("target "+a.plan.Target.Key(), "ends "+a.plan.FixID, w.name(a.about), map[bool]string{true: "done", false: "not done"}[done])
}

// holds reports whether the store says that the target is this incident's now.
func (w *World) holds(about incident.Ref, plan incident.Plan) bool {
	held, ok := w.memory.targets[targetKey{about.Tenant, plan.Target.Key()}]
	return ok && held.Ref == about && w.now().Before(held.Until)
}
