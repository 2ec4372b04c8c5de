package sim

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// answer is what somebody was told about a decision.
type answer struct {
	in  steps.ApproveFixInput
	out steps.ApproveFixOutput
	err error
	at  time.Time // when they heard it
}

// peopleRead makes people react to a message: some decide, at once, at the last
// moment or too late, and not all alike.
func (w *World) peopleRead(m message) {
	inc := w.memory.meta[m.about]
	if inc.Asked == nil {
		return
	}
	left := max(inc.Asked.Deadline.Sub(w.now()), time.Second)
	if (w.profile.crowd || w.profile.eager) && inc.Plan != nil {
		for _, by := range []incident.Actor{"key:anna", "key:ben"} { // as many as any rule asks for
			in := steps.ApproveFixInput{Ref: m.about, Action: incident.Approve, By: by}
			w.after(time.Duration(w.rng.IntN(3000))*time.Millisecond, func() { w.vote(in, false) })
		}
		return
	}
	for range 1 + w.rng.IntN(4) {
		var wait time.Duration
		switch w.rng.IntN(9) {
		case 0, 1, 2, 3:
			wait = time.Duration(w.rng.IntN(3000)) * time.Millisecond
		case 4:
			wait = time.Duration(w.rng.Int64N(int64(left))).Truncate(time.Millisecond)
		case 5:
			wait = left - time.Duration(w.rng.IntN(30))*time.Millisecond
		case 6:
			wait = left + time.Duration(w.rng.IntN(1000))*time.Millisecond
		default: // within the margin, in which the execution still waits
			wait = left + time.Duration(w.rng.Int64N(int64(min(time.Minute, left/3)+1)))
		}
		by := w.somebody()
		link := []string{m.links.Approve, m.links.Approve, m.links.Escalate, m.links.Resolve}[w.rng.IntN(4)]
		if w.rng.IntN(4) == 0 && link != "" {
			w.after(wait, func() { w.follow(link) })
			continue
		}
		in := steps.ApproveFixInput{Ref: m.about, Action: w.action(), By: by, Note: w.remark()}
		if in.Action == incident.Approve && inc.Plan == nil && len(inc.Candidates) > 0 {
			in.PlanHash = w.choice(inc)
		}
		w.after(wait, func() { w.vote(in, w.rng.IntN(3) == 0) })
	}
	w.maybe(w.profile.redeploy, left, w.redeploy)
	w.maybe(w.profile.recover, left, func() { w.recovery(m.about) })
}

// maybe has something happen with that chance: at once, or within a time.
func (w *World) maybe(p float64, within time.Duration, do func()) {
	soon := time.Duration(w.rng.IntN(200)) * time.Millisecond
	later := time.Duration(w.rng.Int64N(int64(within) + 1)).Truncate(time.Millisecond)
	if w.rng.IntN(2) == 0 {
		soon = later
	}
	if w.chance(p) {
		w.after(soon, do)
	}
}

func (w *World) somebody() incident.Actor {
	return []incident.Actor{"key:anna", "key:ben", "key:carla", "key:mallory", "local"}[w.rng.IntN(5)]
}

// remark is a note, sometimes with a secret in it.
func (w *World) remark() string {
	if w.rng.IntN(3) > 0 {
		return ""
	}
	return "looks right, password=" + w.secret()
}

func (w *World) action() incident.Action {
	if w.rng.IntN(10) < 8 {
		return incident.Approve
	}
	return []incident.Action{incident.Escalate, incident.Resolve}[w.rng.IntN(2)]
}

// follow is somebody using a decision link, as the page's form does.
func (w *World) follow(link string) {
	u, err := url.Parse(link)
	if err != nil {
		w.blame("world", "a link cannot be read: %v", err)
		return
	}
	claims, err := w.fixtures.keys.Verify(u.Query().Get("t"), w.now())
	if err != nil {
		return
	}
	w.vote(steps.ApproveFixInput{Ref: claims.Ref, Action: claims.Action, By: incident.LinkActor(claims.Channel), PlanHash: claims.PlanHash}, false)
}

// vote is one person's word, which they give again when they hear no answer.
func (w *World) vote(in steps.ApproveFixInput, sawPlan bool) {
	if inc := w.memory.meta[in.Ref]; sawPlan && inc.Plan != nil && in.PlanHash == "" {
		in.PlanHash = inc.Plan.Hash
	}
	if in.PlanHash != "" {
		w.named[naming{in.Ref, in.By}] = true
	}
	if w.down {
		w.again(func() { w.vote(in, false) })
		return
	}
	w.spawn(fmt.Sprintf("%s %s", in.By, in.Action), false, func(t *task) {
		out, err := t.steps().ApproveFix(context.Background(), in)
		w.answers = append(w.answers, answer{in, out, err, w.now()})
		w.note(t.actor, "hears", w.name(in.Ref), heard(out, err))
		switch {
		case incident.CodeOf(err) == incident.CodeNotWaiting:
			w.after(2*time.Second, func() { w.again(func() { w.vote(in, false) }) })
		case incident.KindOf(err) == incident.Unavailable:
			w.again(func() { w.vote(in, false) })
		}
	})
}

func heard(out steps.ApproveFixOutput, err error) string {
	switch {
	case err != nil:
		return told(err)
	case out.Decision == nil:
		return fmt.Sprintf("%d of %d", out.Approvals, out.Needed)
	}
	return fmt.Sprintf("%s by %s", out.Decision.Action, out.Decision.By)
}

// again tries once more, mostly, after a while.
func (w *World) again(do func()) {
	wait := time.Duration(w.rng.IntN(5000)) * time.Millisecond
	if w.rng.IntN(3) > 0 {
		w.after(wait, do)
	}
}
