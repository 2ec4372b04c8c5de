package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// acting is one call that asks a platform for a fix, or for its undoing, as it travels.
type acting struct {
	by       *task
	order    steps.Order
	from, to string   // versions of the target
	seen     string   // the version that the task had seen
	key      string   // the idempotency key that the call carries
	rights   []string // of the session that makes the call
}

// reply is what a platform answers to an acting call.
type reply struct {
	outcome incident.Outcome // "": it was taken, and goes on by itself
	says    string
	act     int // its number, where it was taken
}

// change has the platform take a fix, or its undoing. A client that hears nothing may call
// once more: with the same key, so that the platform can tell.
func (x executor) change(o steps.Order, from, to string) steps.Acted {
	w := x.t.w
	call := acting{by: x.t, order: o, from: from, to: to, seen: x.t.saw[x.target.Key()], rights: w.session(o.Plan)}
	for try, most := 1, 1+w.rng.IntN(2); ; try++ {
		call.key = w.carried(o.Key, try)
		answer, heard := x.send(call)
		switch {
		case x.t.dead, !heard && try == most:
			return x.acted(incident.Unknown, "the connection broke")
		case !heard:
			w.counts["called once more"]++
		case answer.outcome != "":
			return x.acted(answer.outcome, answer.says)
		default:
			acted := x.acted("", answer.says)
			acted.Receipt = incident.State{"act": fmt.Sprint(answer.act)}
			return acted
		}
	}
}

// session is the rights that the executor asks for: those of the plan.
func (w *World) session(plan incident.Plan) []string {
	if w.hooks.session != nil {
		return w.hooks.session(plan.Rights)
	}
	return plan.Rights
}

// carried is the key that a call carries.
func (w *World) carried(key string, try int) string {
	if w.hooks.key != nil {
		return w.hooks.key(key, try)
	}
	return key
}

// send carries a call to the platform: at once, or, after the client has given up, late;
// once, or twice. The answer may be lost.
func (x executor) send(call acting) (answer reply, heard bool) {
	w := x.t.w
	if w.chance(w.profile.heldUp) {
		w.counts["delivered late"]++
		w.after(w.underWay(call.order), func() { w.deliver(call) })
		x.t.pause(w.latency())
		return reply{}, false
	}
	answer = w.deliver(call)
	if w.chance(w.profile.twice) {
		w.counts["delivered twice"]++
		w.after(w.underWay(call.order), func() { w.deliver(call) })
	}
	x.t.pause(w.latency())
	return answer, !w.chance(w.profile.badFix) || w.rng.IntN(5) > 0
}

// underWay is how long a call travels: some minutes, and never beyond the time that a call
// which acts has.
func (w *World) underWay(o steps.Order) time.Duration {
	most := 3 * time.Minute
	if at := w.memory.meta[o.Ref].Attempt; at != nil {
		since := at.StartedAt
		if at.Undoing != nil {
			since = at.Undoing.StartedAt
		}
		most = min(most, since.Add(incident.MaxFixTime).Sub(w.now()))
	}
	return time.Duration(w.rng.Int64N(int64(max(most, time.Millisecond))))
}

// deliver is a platform that gets a call. To a key that it knows it answers as it did the
// first time, and does nothing.
func (w *World) deliver(call acting) reply {
	s := w.site(call.order.Plan.Target)
	if known, ok := s.answered[call.key]; ok && call.key != "" {
		w.counts["known by its key"]++
		w.note("target "+s.key, "knows the key", w.name(call.order.Ref), known.says)
		return known
	}
	answer := w.take(s, call)
	s.answered[call.key] = answer
	return answer
}

// take begins what a call asks for, which goes on by itself from then on. A platform that
// can refuses what it is no longer meant for; each refuses to undo what it does not find as
// the fix made it, and what the session has no right to.
func (w *World) take(s *site, call acting) reply {
	o := call.order
	bad, kind := w.chance(w.profile.badFix), w.rng.IntN(5)
	if bad && kind == 0 || !slices.Contains(call.rights, o.Plan.FixID+" on "+s.key) {
		return reply{outcome: incident.Failed, says: "refused by the target"}
	}
	if s.is() != call.from && (o.Undoing || !w.profile.careless) {
		w.counts["refused by the platform"]++
		return reply{outcome: incident.Failed, says: "it is not as it was any more"}
	}
	a := w.begin(call.by, &act{about: o.Ref, plan: o.Plan, undo: o.Undoing, well: true, changed: true,
		seen: call.seen, was: s.is(), rights: call.rights})
	switch {
	case bad && kind == 1: // it takes it and does nothing
		a.changed, a.well = false, false
	case bad && kind == 2: // it stops halfway
		a.well = false
	}
	if w.chance(w.profile.sick) {
		a.sick = w.now().Add(w.sickFor(o.Plan))
	}
	if a.changed {
		w.change(s, call.to, w.name(o.Ref))
	}
	w.after(w.rest(o.Plan), func() { w.end(a) })
	w.maybe(w.profile.drift, o.Plan.Limit(), func() { w.drift(o.Plan.Target) })
	return reply{says: "taken", act: len(w.acts)}
}
