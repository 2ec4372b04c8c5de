package incident

import "time"

// Conclusion computes from the record alone how the incident has to end: the
// status, and for ESCALATED the reason. So every path (the workflow, a retry,
// reconcile) ends it alike. An undecided incident would end as step_failed.
func (i Incident) Conclusion() (Status, Reason) {
	if a := i.Attempt; a != nil {
		switch {
		case a.FinishedAt == nil && a.ActedAt != nil && a.Heard:
			return Escalated, ReasonFixUnverified // the target took it, and nobody saw how it went on
		case a.FinishedAt == nil || a.Outcome == Unknown:
			return Escalated, ReasonFixUnknown
		case a.Outcome == Failed:
			return Escalated, ReasonFixFailed
		case a.Outcome == Stale:
			return Escalated, ReasonPlanStale
		case a.Verified && (a.Outcome == Fixed || a.Outcome == Simulated):
			return Resolved, ""
		}
		return Escalated, ReasonFixUnverified
	}
	switch {
	case i.Status == Detected && (i.Decision == nil || i.Decision.By != System):
		return Escalated, ReasonStepFailed // nobody was ever asked; there is no other way on from DETECTED
	case i.Refusal == refusalRecovered:
		return Resolved, ""
	case i.Refusal != "":
		return Escalated, i.Refusal
	case i.Decision == nil || i.Decision.Action == Approve:
		return Escalated, ReasonStepFailed
	case i.Decision.Action == Resolve:
		return Resolved, ""
	case i.Decision.By == System:
		return Escalated, Reason(i.Decision.Reason)
	}
	return Escalated, ReasonChosen
}

// Ticketed records where the ticket is, once.
func (i Incident) Ticketed(t Ticket, now time.Time) (Change, error) {
	if i.Ticket != nil {
		return i.recorded(), nil
	}
	c := i.change(now, System, EventTicket, map[string]string{"tracker": t.Tracker, "key": t.Key, "url": t.URL})
	c.Incident.Ticket = &Ticket{Tracker: t.Tracker, Key: t.Key, URL: t.URL}
	return c, nil
}

// Close ends the incident as Conclusion says and deletes its wait. An incident that is
// RESOLVED gives back its fingerprint; one that is ESCALATED keeps it for a while, see
// HoldsFingerprint. ticketFailure says why there is no ticket where one was
// due; "" if none was or there is one.
func (i Incident) Close(ticketFailure string, now time.Time) (Change, error) {
	return i.CloseAndWatch(ticketFailure, time.Time{}, now)
}

// CloseAndWatch is Close where the help of the fix is watched until then; zero: it is not.
func (i Incident) CloseAndWatch(ticketFailure string, until, now time.Time) (Change, error) {
	if i.Status.Final() {
		return i.recorded(), nil
	}
	status, reason := i.Conclusion()
	details := map[string]string{}
	action := EventResolved
	if status == Escalated {
		action = EventEscalated
		details["reason"] = string(reason)
		if i.Ticket == nil {
			details["ticketFailure"] = ticketFailure
		}
	}
	watched := status == Resolved && i.Attempt != nil && !until.IsZero()
	if watched {
		details["watchedUntil"] = FormatTime(until)
	}
	c := i.change(now, System, action, details)
	if watched {
		c.Incident.Attempt.WatchedUntil = &until
	}
	if err := c.become(status); err != nil {
		return Change{}, err
	}
	c.Incident.EscalationReason = reason
	c.FreeDedup, c.FreeWait = status == Resolved, true
	if at := c.Incident.UpdatedAt; status == Escalated {
		c.Incident.EscalatedAt = &at
		c.KeepDedup = c.Incident.HeldUntil()
	}
	return c, nil
}
