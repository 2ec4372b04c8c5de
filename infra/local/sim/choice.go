package sim

import (
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// choice is the hash that somebody names who has looked at a manual review: mostly that of
// the first candidate, which the rules would try, else of any; of one as its target was
// before; of the same fix for another incident; of nothing; or none, as chat would.
func (w *World) choice(inc incident.Incident) string {
	one := inc.Candidates[w.rng.IntN(len(inc.Candidates))]
	switch w.rng.IntN(12) {
	case 0:
		return ""
	case 1:
		return strings.Repeat("0", 64)
	case 2:
		return one.HashFor(incident.Ref{Tenant: inc.Tenant, ID: inc.ID + "X"})
	case 3:
		one.Present = incident.State{version: "before"}
		return one.HashFor(inc.Ref)
	case 4, 5, 6:
		return one.Hash
	}
	return inc.Candidates[0].Hash
}

// naming is somebody who has named a plan of an incident by its hash.
type naming struct {
	about incident.Ref
	by    incident.Actor
}

// chosen reports that nothing was proposed to people, and that there is a plan.
func (r record) chosen() bool {
	asked := r.event(incident.EventAsked)
	return asked != nil && asked.Details["planHash"] == "" && r.inc.Plan != nil
}

// checkChosen: the plan is one of the candidates that were frozen before people were asked,
// and a person has chosen it by its hash.
func (r record) checkChosen() {
	plan, d := r.inc.Plan, r.inc.Decision
	planned, asked := r.event(incident.EventPlanned), r.event(incident.EventAsked)
	if planned == nil || planned.Seq > asked.Seq || !frozen(*planned, plan.Hash) || !isCandidate(r.inc, plan.Hash) {
		r.blame(invApproval, "the plan that was chosen is none of the candidates")
	}
	if d == nil || d.Action != incident.Approve || d.PlanHash != plan.Hash || d.By.IsLink() || d.By == incident.System {
		r.blame(invApproval, "nothing was proposed, and its plan was chosen by %v", d)
	}
}

func frozen(planned incident.Event, hash string) bool {
	for name, candidate := range planned.Details {
		if strings.HasPrefix(name, "candidate.") && strings.HasSuffix(candidate, " "+hash) {
			return true
		}
	}
	return false
}

// checkChoices: nobody was told that an approval counts of what is no plan of the incident,
// or that one without a hash has chosen. Where the decision stands, it answers for itself.
func (w *World) checkChoices() {
	for _, a := range w.answers {
		inc := w.memory.meta[a.in.Ref]
		switch {
		case a.err != nil || a.in.Action != incident.Approve:
			continue
		case a.in.PlanHash == "" && len(inc.Candidates) > 0 && !w.named[naming{a.in.Ref, a.in.By}] &&
			(a.out.Decision == nil || a.out.Decision.By == a.in.By):
			w.blame(invChoice, "%s: %s chose without naming a candidate", w.name(a.in.Ref), a.in.By)
			continue
		case a.in.PlanHash == "":
			continue
		}
		if proposed := inc.Plan != nil && inc.Plan.Hash == a.in.PlanHash; !proposed && !isCandidate(inc, a.in.PlanHash) {
			w.blame(invApproval, "%s: %s approved what is no plan of it, and was told that it counts", w.name(a.in.Ref), a.in.By)
		}
	}
}

func isCandidate(inc incident.Incident, hash string) bool {
	for _, c := range inc.Candidates {
		if c.Hash == hash {
			return true
		}
	}
	return false
}
