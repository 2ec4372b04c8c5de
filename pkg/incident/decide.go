package incident

import (
	"slices"
	"strconv"
	"time"
)

// Verdict is what the policy says of a vote: pkg/policy makes it.
type Verdict struct {
	Allowed bool
	Reason  string // for a human, recorded with the decision
	Decides bool   // with this vote the decision stands
	Have    int    // approvals with this one
	Needed  int
}

// completes reports whether a vote that was counted before decides now, because
// fewer are needed than when it was given.
func (v Verdict) completes(i Incident) bool { return v.Decides && i.Decision == nil }

// checkVote refuses a vote that the record does not allow, in the order that
// callers rely on: past the deadline, not waiting yet, already decided otherwise,
// nothing to approve, no candidate chosen, another plan. nil, true means the vote was
// counted before: the record answers.
func (i Incident) checkVote(v Vote, now time.Time) (recorded bool, err error) {
	if d := i.Decision; d != nil && d.Action == v.Action && d.By != System && (v.PlanHash == "" || v.PlanHash == d.PlanHash) {
		return true, nil
	}
	switch {
	case i.Decision != nil && i.Decision.By == System,
		i.Asked != nil && !now.Before(i.Asked.Deadline):
		return false, Fail(Expired, CodeExpired, "the time to decide is over; the incident is %s", i.Status)
	case i.Status == Detected && i.Decision == nil:
		return false, Fail(Conflict, CodeNotWaiting, "the incident is still being analysed; ask again in 2 seconds")
	case i.Decision != nil:
		return false, Fail(Conflict, CodeAlreadyDecided, "already decided: %s by %s", i.Decision.Action, i.Decision.By)
	case i.Status.Final():
		return false, Fail(Conflict, CodeClosed, "the incident is %s", i.Status)
	case v.Action == Approve && i.Plan == nil && len(i.Candidates) == 0:
		return false, Fail(Conflict, CodeNoFix, "there is no fix to approve: this is a manual review; use action=resolve or action=escalate")
	case v.Action == Approve && i.Plan == nil && v.PlanHash == "":
		return false, Fail(Conflict, CodeChoosePlan,
			"no fix is proposed, but one may be chosen: POST action=approve with the planHash of one of the candidates; or resolve or escalate")
	case v.PlanHash != "" && v.PlanHash != i.hashFor(v):
		return false, Fail(Conflict, CodePlanChanged, "the plan hash that was sent is not the plan's; send all 64 digits of plan.hash, or look again at what the plan is now")
	}
	for _, old := range i.Votes {
		if old.By == v.By && old.Action == v.Action && old.PlanHash == i.hashFor(v) {
			return true, nil
		}
	}
	return false, nil
}

// PlanFor is the plan that a vote is about: the proposed one, or in a manual review the
// candidate that an approval names by its hash. nil: none.
func (i Incident) PlanFor(v Vote) *Plan {
	if i.Plan != nil || v.Action != Approve || v.PlanHash == "" {
		return i.Plan
	}
	for _, c := range i.Candidates {
		if c.Hash == v.PlanHash {
			return &c
		}
	}
	return nil
}

// hashFor is the hash of the plan that a vote is about, "" for none.
func (i Incident) hashFor(v Vote) string {
	if p := i.PlanFor(v); p != nil {
		return p.Hash
	}
	return ""
}

func (i Incident) planHash() string {
	if i.Plan == nil {
		return ""
	}
	return i.Plan.Hash
}

// Vote records one person's vote. If the verdict says that it decides, it records
// the decision too; the candidate that was approved then is the incident's plan. The
// verdict must be about exactly this version's votes, and about the plan of PlanFor.
func (i Incident) Vote(v Vote, verdict Verdict, now time.Time) (Change, error) {
	if !verdict.Allowed {
		return Change{}, Fail(Forbidden, CodeForbidden, "%s", verdict.Reason)
	}
	now = i.notBefore(now)
	recorded, err := i.checkVote(v, now)
	if err != nil {
		return Change{}, err
	}
	if recorded && !verdict.completes(i) {
		return i.recorded(), nil
	}
	plan := i.PlanFor(v)
	v.At, v.PlanHash = now, i.hashFor(v)
	details := map[string]string{"action": string(v.Action), "planHash": v.PlanHash, "note": v.Note, "reason": verdict.Reason}
	action := EventVoted
	if verdict.Decides {
		action = EventDecided
	} else {
		details["approvals"], details["needed"] = strconv.Itoa(verdict.Have), strconv.Itoa(verdict.Needed)
	}
	if i.Plan == nil && plan != nil {
		details["fixId"], details["target"] = plan.FixID, plan.Target.Key() // it was not proposed: the trail says what was chosen
	}
	c := i.change(now, v.By, action, details)
	if !recorded {
		c.Incident.Votes = append(withoutApproval(c.Incident.Votes, v), v)
	}
	if verdict.Decides {
		if i.Plan == nil && plan != nil { // a candidate was chosen: its caution is the plan's
			c.Incident.Caution = i.Cautions[plan.Hash]
		}
		c.Incident.Plan = plan
		c.Incident.Decision = &Decision{Action: v.Action, By: v.By, At: c.Incident.UpdatedAt, Reason: verdict.Reason, Note: v.Note, PlanHash: v.PlanHash}
	}
	return c, nil
}

// withoutApproval takes back what the same person approved before: who approves another
// candidate has thought again, and must not complete a quorum for the first one.
func withoutApproval(votes []Vote, v Vote) []Vote {
	if v.Action != Approve {
		return votes
	}
	return slices.DeleteFunc(votes, func(old Vote) bool { return old.By == v.By && old.Action == Approve && old.PlanHash != v.PlanHash })
}

// Settle decides for the system if nobody has decided: escalate, with the reason
// (approval_timeout or step_failed).
func (i Incident) Settle(reason Reason, now time.Time) (Change, error) {
	switch {
	case i.Decision != nil:
		return i.recorded(), nil
	case i.Status.Final():
		return i.recorded(), nil
	}
	c := i.change(now, System, EventDecided, map[string]string{"action": string(Escalate), "reason": string(reason)})
	c.Incident.Decision = &Decision{Action: Escalate, By: System, At: c.Incident.UpdatedAt, Reason: string(reason), PlanHash: i.planHash()}
	return c, nil
}

// Recover records that the source which opened the incident reports the trouble
// over. If nobody has decided yet, it decides to resolve. A later claim is refused. An
// incident that was escalated is resolved by it.
func (i Incident) Recover(now time.Time) (Change, error) {
	if i.Status == Escalated {
		return i.ResolveEscalated(SourceActor(i.Source), "", now)
	}
	if i.RecoveredAt != nil || i.Status.Final() {
		return i.recorded(), nil
	}
	details := map[string]string{}
	action := EventRecovered
	if i.Decision == nil {
		action = EventDecided
		details["action"], details["reason"] = string(Resolve), "the source reported recovery"
	}
	c := i.change(now, SourceActor(i.Source), action, details)
	at := c.Incident.UpdatedAt
	c.Incident.RecoveredAt = &at
	if i.Decision == nil {
		c.Incident.Decision = &Decision{Action: Resolve, By: SourceActor(i.Source), At: at, Reason: details["reason"], PlanHash: i.planHash()}
	}
	return c, nil
}
