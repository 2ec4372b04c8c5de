package sim

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// The invariants (ARCHITECTURE.md, Invariants), by what a violation is called.
const (
	invApproval  = "1 approved"
	invOnce      = "2 once"
	invAtOnce    = "2 at once"
	invDecision  = "3 one decision"
	invAllowed   = "4 allowed"
	invNeverLost = "5 never lost"
	invTrail     = "6 trail"
	invTruth     = "6 truth"
	invSecrets   = "7 secrets"
	invModel     = "8 model"
	invTokens    = "9 tokens"
	invText      = "10 text"
	invDeadline  = "deadline"
	invNewest    = "newest token"
	invCalm      = "calm"
	invTurn      = "turn"
	invReconcile = "reconcile"
	invDrift     = "target as planned"
	invUndo      = "undoes what did not help"
	invLook      = "looks only"
	invHold      = "hold"
	invRights    = "session"
	invChoice    = "chosen by its hash"
)

// check holds a world that has settled against every invariant.
func (w *World) check() {
	refs := slices.SortedFunc(maps.Keys(w.memory.meta), func(a, b incident.Ref) int { return strings.Compare(a.ID, b.ID) })
	for _, ref := range refs {
		r := record{w: w, inc: w.memory.meta[ref]}
		r.events, _ = w.memory.Events(context.Background(), ref)
		r.name = w.name(ref)
		r.checkEnd()
		r.checkTrail()
		r.checkDecision()
		r.checkPlan()
		r.checkModel()
		r.checkOutcome()
		r.checkTurn()
		r.checkLasting()
		r.checkStopped()
		r.checkBreaker()
		if w.profile.faultless() {
			r.checkCalm()
		}
	}
	for _, a := range w.acts {
		w.checkAct(a)
	}
	w.checkOnce()
	w.checkKillSwitch()
	w.checkGivenBack()
	w.checkAnswers()
	w.checkChoices()
	w.checkAlerts()
	w.checkWrites()
	w.checkSaid()
	w.checkTold()
}

// faultless reports a world in which nothing ever fails.
func (p profile) faultless() bool {
	ours := p.fail + p.lost + p.crash + p.duplicate + p.throttle + p.stall + p.slow + p.redeploy + p.badModel + p.holdUp
	targets := p.badFix + p.heldUp + p.twice + p.late + p.sick + p.stale + p.drift
	return ours+targets == 0 && p.skew == 0 && p.outages == 0
}

// record is one incident with its trail.
type record struct {
	w      *World
	name   string
	inc    incident.Incident
	events []incident.Event
}

func (r record) blame(invariant, format string, args ...any) {
	r.w.blame(invariant, r.name+": "+format, args...)
}

// event finds the first event of an action.
func (r record) event(action incident.EventAction) *incident.Event {
	for n, e := range r.events {
		if e.Action == action {
			return &r.events[n]
		}
	}
	return nil
}

var reasons = []incident.Reason{incident.ReasonChosen, incident.ReasonApprovalTimeout, incident.ReasonApprovalStale,
	incident.ReasonPlanStale, incident.ReasonTargetBusy, incident.ReasonFixFailed, incident.ReasonFixUnverified,
	incident.ReasonFixUnknown, incident.ReasonDecisionUndelivered, incident.ReasonStepFailed,
	incident.ReasonExecutionStopped}

// checkEnd: nothing hangs, and an escalation reached somebody or says why not.
func (r record) checkEnd() {
	inc := r.inc
	switch {
	case inc.Open():
		r.blame(invNeverLost, "it is still %s after everything came to rest", inc.Status)
	case inc.Status == incident.Resolved && inc.Resolution != nil:
		r.checkResolution()
	case inc.Status == incident.Resolved && inc.EscalationReason != "":
		r.blame(invTruth, "it is RESOLVED with the escalation reason %s", inc.EscalationReason)
	case inc.Status == incident.Escalated:
		if !slices.Contains(reasons, inc.EscalationReason) {
			r.blame(invTruth, "its escalation reason is %q", inc.EscalationReason)
		}
		end := r.event(incident.EventEscalated)
		if inc.Ticket == nil && (end == nil || end.Details["ticketFailure"] == "") {
			r.blame(invNeverLost, "it is ESCALATED with neither a ticket nor a word why there is none")
		}
	}
	if inc.Ticket != nil && *inc.Ticket != r.w.tickets[inc.Ref] {
		r.blame(invTruth, "its ticket is %v; the tracker has %v", *inc.Ticket, r.w.tickets[inc.Ref])
	}
	if _, waits := r.w.memory.waits[inc.Ref]; waits && !inc.Open() {
		r.blame(invTokens, "it is over and its task token is still stored")
	}
}

// checkResolution: who ended an escalation is in the trail, as its last move.
func (r record) checkResolution() {
	was, end := r.event(incident.EventEscalated), r.event(incident.EventResolved)
	if was == nil || end == nil || end.Seq < was.Seq || end.Actor != r.inc.Resolution.By || end.Actor == incident.System {
		r.blame(invTruth, "it was resolved after an escalation by %s; its trail says %v after %v", r.inc.Resolution.By, end, was)
	}
	if r.inc.EscalationReason == "" {
		r.blame(invTruth, "it forgot why it had been escalated")
	}
}

// became is the status that an event of this action leaves.
var became = map[incident.EventAction]incident.Status{
	incident.EventDetected: incident.Detected, incident.EventAsked: incident.WaitingForApproval,
	incident.EventFixStarted: incident.ExecutingFix, incident.EventResolved: incident.Resolved, incident.EventEscalated: incident.Escalated,
}

// checkTrail: the chain is whole, and the trail alone tells the status.
func (r record) checkTrail() {
	if bad := incident.VerifyChain(r.inc, r.events); bad != nil {
		r.blame(invTrail, "event %d %s", bad.Seq, bad.Why)
		return
	}
	r.checkClaim()
	var status incident.Status
	for n, e := range r.events {
		if n > 0 && e.Time.Before(r.events[n-1].Time) {
			r.blame(invTrail, "event %d is older than the one before it", e.Seq)
		}
		next, moves := became[e.Action]
		if !moves {
			continue
		}
		if !status.CanBecome(next) {
			r.blame(invTrail, "event %d makes %s of %s", e.Seq, next, status)
		}
		status = next
	}
	if status != r.inc.Status {
		r.blame(invTrail, "it is %s; by its trail it is %s", r.inc.Status, status)
	}
}

// checkDecision: at most one stands, as its event says, taken in time, by as many
// as the rule of that day asks.
func (r record) checkDecision() {
	d := r.inc.Decision
	decided := 0
	for _, e := range r.events {
		if e.Action != incident.EventDecided && e.Action != incident.EventVoted {
			continue
		}
		person := e.Actor != incident.System && e.Actor != incident.SourceActor(source)
		if asked := r.inc.Asked; person && (asked == nil || !e.Time.Before(asked.Deadline)) {
			r.blame(invDeadline, "%s by %s at %s, after the deadline", e.Action, e.Actor, incident.FormatTime(e.Time))
		}
		if e.Action == incident.EventVoted {
			continue
		}
		decided++
		if d == nil || string(d.Action) != e.Details["action"] || d.By != e.Actor || !d.At.Equal(e.Time) {
			r.blame(invDecision, "its trail says %s by %s, its record %v", e.Details["action"], e.Actor, d)
		}
	}
	if decided > 1 || decided == 0 && d != nil {
		r.blame(invDecision, "it was decided %d times", decided)
	}
}

// checkCalm: where nothing fails, nothing ends as if it had.
func (r record) checkCalm() {
	switch r.inc.EscalationReason {
	case incident.ReasonStepFailed, incident.ReasonDecisionUndelivered, incident.ReasonFixUnknown, incident.ReasonFixUnverified:
		r.blame(invCalm, "nothing failed, and it ended as %s", r.inc.EscalationReason)
	}
	if len(r.w.memory.untold) > 0 {
		r.blame(invCalm, "nothing failed, and %d incidents' tickets were not told what came after", len(r.w.memory.untold))
	}
	if r.inc.Decision != nil && r.inc.Decision.Action == incident.Resolve && r.inc.Status != incident.Resolved {
		r.blame(invCalm, "nothing failed, it was decided to resolve it, and it is %s", r.inc.Status)
	}
}
