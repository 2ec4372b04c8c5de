package brief

import (
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// executingLine says how far an approved fix has come.
func executingLine(inc incident.Incident) string {
	a := inc.Attempt
	simulated := inc.Plan != nil && inc.Plan.Simulated()
	switch {
	case inc.Settling() && a.Undoing != nil:
		return "the fix did not help; undoing it is being verified until " + hour(inc.SettleUntil())
	case inc.Settling():
		return "the fix was applied and is being verified until " + hour(inc.SettleUntil())
	case a != nil && a.Undoing != nil && a.Undoing.FinishedAt == nil:
		return "the fix did not help and is being undone"
	case inc.MayUndo(inc.UpdatedAt):
		return "the fix did not help and is about to be undone"
	case a != nil && a.FinishedAt != nil:
		return "the fix has ended; the incident is being closed"
	case simulated:
		return "the approved fix is being walked through (simulated)"
	}
	return "the approved fix is running"
}

// outcomeLine says no more than the record holds: a fix that was never heard of
// again is unknown, not failed.
func outcomeLine(inc incident.Incident) string {
	a := inc.Attempt
	switch {
	case a == nil && inc.Refusal != "":
		return "not started: " + refusalText(inc)
	case a == nil:
		return ""
	case a.FinishedAt == nil && a.ActedAt != nil:
		return appliedLine(inc)
	case a.FinishedAt == nil && inc.Open():
		return "running since " + clock(a.StartedAt)
	case a.FinishedAt == nil:
		return "unknown: started at " + clock(a.StartedAt) + " and never heard of again; it may or may not have been applied" + kept(*a)
	}
	return endedLine(inc)
}

// appliedLine is about a fix that the target took and of which no end is recorded.
func appliedLine(inc incident.Incident) string {
	a := inc.Attempt
	if !inc.Open() {
		return "applied at " + clock(*a.ActedAt) + "; nobody saw how it went on, and it was not undone" + kept(*a)
	}
	return "applied at " + clock(*a.ActedAt) + ", being verified until " + hour(inc.SettleUntil())
}

// endedLine is about a fix whose end is recorded.
func endedLine(inc incident.Incident) string {
	a := inc.Attempt
	checked := "; the check after it did not pass"
	if a.Verified {
		checked = "; the check after it passed"
	}
	switch a.Outcome {
	case incident.Fixed:
		return "applied" + checked
	case incident.Simulated:
		if a.Verified {
			checked = ""
		}
		return "simulated: walked through, nothing was changed" + checked
	case incident.Failed:
		if inc.Plan != nil && inc.Plan.ExecutorDigest != "" {
			return "failed: nothing was changed"
		}
		return "failed"
	case incident.Stale:
		return "nothing was changed: the target is no longer as planned"
	case incident.Applied:
		return "applied, but not seen to help; " + undoneLine(inc) + kept(*a)
	}
	return "unknown: it may or may not have been applied" + notUndone(inc) + kept(*a)
}

// notUndone says of a fix whose effect is unknown that nothing takes it back.
func notUndone(inc incident.Incident) string {
	if inc.Plan != nil && inc.Plan.ExecutorDigest != "" && !inc.Plan.Simulated() {
		return ", and it was not undone"
	}
	return ""
}

// undoneLine says what became of undoing a fix that did not help.
func undoneLine(inc incident.Incident) string {
	u := inc.Attempt.Undoing
	switch {
	case u == nil && inc.MayUndo(inc.UpdatedAt):
		return "it is about to be undone"
	case u == nil && inc.Plan != nil && !inc.Plan.Undo.Possible():
		return "it was not undone: it cannot be"
	case u == nil:
		return "it was not undone"
	case u.FinishedAt == nil && !inc.Open():
		return "undoing it was begun at " + clock(u.StartedAt) + " and never heard of again: it may or may not have been undone"
	case u.FinishedAt == nil && u.ActedAt != nil:
		return "undone at " + clock(*u.ActedAt) + ", being verified until " + hour(inc.SettleUntil())
	case u.FinishedAt == nil:
		return "being undone since " + clock(u.StartedAt)
	}
	switch u.Outcome {
	case incident.Undone:
		return "it was undone: what it changed is as it was before"
	case incident.Failed:
		return "it could not be undone: undoing it changed nothing"
	case incident.Applied:
		return "undoing it was begun, but not seen to work"
	}
	return "it is not known whether it was undone"
}

// kept says until when other fixes keep off a target where this one may go on.
func kept(a incident.Attempt) string {
	if !a.Held {
		return ""
	}
	return "; in case it goes on, no other fix runs on its target before " + clock(a.Until)
}

// hour is the time of a moment that is near.
func hour(t time.Time) string { return t.UTC().Format("15:04 UTC") }

// steps are the last ones, of the fix and then of its undoing.
func steps(a incident.Attempt) []Outside {
	all := stepLines("", a.Steps)
	if a.Undoing != nil {
		all = append(all, stepLines("undoing: ", a.Undoing.Steps)...)
	}
	return all[max(0, len(all)-MaxSteps):]
}

func stepLines(prefix string, all []incident.FixStep) []Outside {
	var out []Outside
	for _, s := range all {
		text := prefix + s.Name + ": " + s.Status
		if s.Detail != "" {
			text += ", " + s.Detail
		}
		out = append(out, line(text, MaxStep))
	}
	return out
}
