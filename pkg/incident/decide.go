package incident

import (
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
// callers rely on: past the deadline, not waiting yet, nothing to approve,
// already decided otherwise, another plan. nil, true means the vote was
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
	case v.Action == Approve && i.Plan == nil:
		return false, Fail(Conflict, CodeNoFix, "there is no fix to approve: this is a manual review; use action=resolve or action=escalate")
	case v.PlanHash != "" && v.PlanHash != i.planHash():
		return false, Fail(Conflict, CodePlanChanged, "the plan hash that was sent is not the plan's; send all 64 digits of plan.hash, or look again at what the plan is now")
	}
	for _, old := range i.Votes {
		if old.By == v.By && old.Action == v.Action {
			return true, nil
		}
	}
	return false, nil
}

func (i Incident) planHash() string {
	if i.Plan == nil {
		return ""
	}
	return i.Plan.Hash
}

// Vote records one person's vote. If the verdict says that it decides, it records
// the decision too. The verdict must be about exactly this version's votes.
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
	v.At, v.PlanHash = now, i.planHash()
	details := map[string]string{"action": string(v.Action), "planHash": v.PlanHash, "note": v.Note, "reason": verdict.Reason}
	action := EventVoted
	if verdict.Decides {
		action = EventDecided
	} else {
		details["approvals"], details["needed"] = strconv.Itoa(verdict.Have), strconv.Itoa(verdict.Needed)
	}
	c := i.change(now, v.By, action, details)
	if !recorded {
		c.Incident.Votes = append(c.Incident.Votes, v)
	}
	if verdict.Decides {
		c.Incident.Decision = &Decision{Action: v.Action, By: v.By, At: c.Incident.UpdatedAt, Reason: verdict.Reason, Note: v.Note, PlanHash: v.PlanHash}
	}
	return c, nil
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
