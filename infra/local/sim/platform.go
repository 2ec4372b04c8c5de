package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

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
// begin after its time is up, and says unknown when it cannot tell. Its platform may be
// slow, stop halfway, show what was a while ago, or not be able to refuse.
type executor struct {
	t      *task
	target incident.Target
}

func (x executor) simulated() bool { return x.target.Type == targetSimulated }

// Look implements steps.Executor.
func (x executor) Look(context.Context, incident.Proposal) (seen incident.State, err error) {
	w := x.t.w
	err = x.t.call(call{port: "look", sys: sysTarget}, func() (string, error) {
		if x.simulated() {
			return "", nil
		}
		seen = incident.State{version: w.site(x.target).is()}
		x.t.saw = map[string]string{x.target.Key(): seen[version]}
		return seen[version], nil
	})
	return seen, err
}

// limits are how long each fix may take until it must be verified.
var limits = map[string]time.Duration{
	"restart-service": 2 * time.Minute, "scale-out": 10 * time.Minute, "rollback-deployment": 40 * time.Minute,
}

// Plan implements steps.Executor. A restart cannot be undone.
func (x executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	d := incident.Draft{Actions: []string{p.FixID}, Undo: incident.Undo{Not: "nothing was changed"}, Limit: limits[p.FixID],
		Rights: []string{"look at " + x.target.Key(), p.FixID + " on " + x.target.Key()}}
	if x.simulated() {
		return d, nil
	}
	before, _, _ := strings.Cut(present[version], "+")
	d.Present, d.Wanted = present, incident.State{version: before + "+" + p.FixID}
	if d.Wanted[version] == present[version] {
		d.Wanted[version] = before + "+again+" + p.FixID
	}
	d.Undo = incident.Undo{Not: "what was restarted stays restarted"}
	if p.FixID != "restart-service" {
		d.Undo = incident.Undo{Actions: []string{"back to " + present[version]}, Wanted: present}
	}
	return d, nil
}

// Act implements steps.Executor.
func (x executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	w, about := x.t.w, o.Ref
	w.ordered(o)
	limit := x.limit(ctx, about)
	err := x.t.call(call{port: "check target", about: about, sys: sysTarget, write: true}, func() (string, error) { return "", nil })
	if err != nil || !w.now().Before(limit) {
		return x.acted(incident.Failed, "check target")
	}
	if x.simulated() {
		return x.walk(o, limit)
	}
	return x.change(o, o.Plan.Present[version], o.Plan.Wanted[version])
}

// Undo implements steps.Executor.
func (x executor) Undo(_ context.Context, o steps.Order) steps.Acted {
	w := x.t.w
	w.ordered(o)
	w.counts["undo due"]++
	err := x.t.call(call{port: "check target", about: o.Ref, sys: sysTarget, write: true}, func() (string, error) { return "", nil })
	if err != nil || x.simulated() {
		return x.acted(incident.Failed, "check target")
	}
	return x.change(o, o.Plan.Wanted[version], o.Plan.Undo.Wanted[version])
}

// walk is a fix that is only walked through.
func (x executor) walk(o steps.Order, limit time.Time) steps.Acted {
	w := x.t.w
	if w.chance(w.profile.badFix) && w.rng.IntN(4) == 0 {
		return x.acted(incident.Failed, "refused by the target")
	}
	a := w.begin(x.t, &act{about: o.Ref, plan: o.Plan, well: true})
	a.changed = x.t.pause(min(w.duration(), limit.Sub(w.now())))
	w.end(a)
	if x.t.dead {
		return x.acted(incident.Unknown, "died")
	}
	return x.acted(incident.Simulated, "walked through")
}

func (x executor) acted(outcome incident.Outcome, name string) steps.Acted {
	if outcome != "" {
		x.t.w.counts[fmt.Sprintf("acted %s: %s", outcome, name)]++
	}
	return steps.Acted{Outcome: outcome, Steps: []incident.FixStep{{Name: name, Status: "ok", At: x.t.w.now()}}}
}

// Verify implements steps.Executor: it reads what became of the plan, as the platform
// shows it, which may be what was a while ago. What is older than the fix says nothing
// of it.
func (x executor) Verify(_ context.Context, o steps.Order) (steps.Sight, error) {
	w := x.t.w
	sight := steps.Sight{Steps: []incident.FixStep{{Name: "verify", Status: "ok", At: w.now()}}}
	err := x.t.call(call{port: "verify", about: o.Ref, sys: sysTarget}, func() (string, error) {
		view := w.now()
		if w.chance(w.profile.stale) {
			view = view.Add(-time.Duration(w.rng.IntN(120)) * time.Second)
			w.counts["stale sight"]++
		}
		phase, err := x.phase(w.last(o.Ref, o.Undoing), o, view)
		sight.Phase = phase
		return string(phase), err
	})
	return sight, err
}

func (x executor) phase(a *act, o steps.Order, view time.Time) (steps.Phase, error) {
	switch {
	case a != nil && a.begun.After(view), a == nil && o.StartedAt.After(view) && !x.simulated():
		if len(o.Receipt) > 0 {
			return steps.Settling, nil // the platform has taken it, and does not show it yet
		}
		return "", incident.Unavail("simulated: what it shows is older than the fix", nil)
	case a == nil, x.simulated() && a.open: // what is only walked through settles nowhere
		return steps.NotVerified, nil
	case a.open || a.ended.After(view):
		return steps.Settling, nil
	case !a.well || !x.simulated() && x.t.w.site(x.target).at(view) != a.wants():
		return steps.NotVerified, nil
	case x.simulated() && !a.changed:
		return steps.NotVerified, nil
	}
	return steps.Verified, nil
}

// prober looks at the services themselves, as one task sees them.
type prober struct{ t *task }

// Probe implements steps.Prober.
func (p prober) Probe(_ context.Context, svc inventory.Service) []steps.Finding {
	healthy := false
	err := p.t.call(call{port: "probe " + svc.Name, sys: sysTarget}, func() (string, error) {
		healthy = !p.t.w.sick(svc.Name)
		return fmt.Sprint(healthy), nil
	})
	return []steps.Finding{{Check: "reachable", Healthy: err == nil && healthy, Detail: "simulated"}}
}

// sick reports whether a service is not well now.
func (w *World) sick(service string) bool {
	for _, a := range w.acts {
		if a.record.Service == service && w.now().Before(a.sick) {
			return true
		}
	}
	return false
}

// sickFor is how long a service takes to be well, which may be longer than anybody waits.
func (w *World) sickFor(plan incident.Plan) time.Duration {
	if w.rng.IntN(2) == 0 {
		return 24 * time.Hour
	}
	return time.Duration(w.rng.Int64N(int64(plan.Limit()))).Truncate(time.Millisecond)
}

// ordered counts the orders of an executor by their key: a fix is ordered once, and so is
// its undoing.
func (w *World) ordered(o steps.Order) {
	if w.orders[o.Key]++; w.orders[o.Key] == 2 {
		w.blame(invOnce, "%s: it was ordered twice (undoing %v)", w.name(o.Ref), o.Undoing)
	}
	if o.Key != o.Plan.Key(o.Ref, o.Undoing) {
		w.blame(invOnce, "%s: its order has another key than its plan", w.name(o.Ref))
	}
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

// duration is how long a walk takes; some take nearly all the time there is.
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

// rest is how long a real target goes on with what it has taken, by itself: mostly
// within the plan's limit, on a slow platform beyond it.
func (w *World) rest(plan incident.Plan) time.Duration {
	if w.chance(w.profile.late) {
		return plan.Limit() + time.Duration(w.rng.IntN(20*60))*time.Second
	}
	if w.rng.IntN(3) > 0 {
		return time.Duration(w.rng.IntN(20_000)) * time.Millisecond
	}
	return time.Duration(w.rng.Int64N(int64(plan.Limit()) * 9 / 10)).Truncate(time.Millisecond)
}
