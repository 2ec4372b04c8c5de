package brief

import (
	"fmt"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// maxTitleCause bounds the part of the title that says what is wrong.
const maxTitleCause = 60

func title(inc incident.Incident) Outside {
	what := "needs a look"
	if a := inc.Analysis; a != nil && a.AnalyzedBy != incident.ByNone && a.Cause != "" {
		what = firstSentence(string(line(a.Cause, MaxCause)), maxTitleCause)
	}
	return line(inline(inc.Service, maxService)+": "+what, MaxTitle+maxService)
}

func statusLine(inc incident.Incident, now time.Time) string {
	switch inc.Status {
	case incident.Detected:
		return "being analysed"
	case incident.WaitingForApproval:
		return waitingLine(inc, now)
	case incident.ExecutingFix:
		return executingLine(inc)
	case incident.Resolved:
		return resolvedLine(inc)
	case incident.Escalated:
		return reasonText(inc, inc.EscalationReason)
	}
	return string(inc.Status)
}

func waitingLine(inc incident.Incident, now time.Time) string {
	if d := inc.Decision; d != nil {
		switch d.Action {
		case incident.Approve:
			return approvedLine(inc)
		case incident.Resolve:
			return "resolved; being closed"
		}
		return "being escalated"
	}
	if !mayDecide(inc, now) {
		return "the time to decide is over; being escalated"
	}
	switch {
	case inc.Plan == nil && len(inc.Candidates) > 0:
		return "needs a person to look: no fix is proposed"
	case inc.Plan == nil:
		return "needs a person to look: there is no fix to approve"
	}
	return "waiting for a person to decide"
}

// approvedLine says what an approved fix waits for before it starts.
func approvedLine(inc incident.Incident) string {
	switch {
	case inc.Refusal == refusalRecovered:
		return "recovered before the approved fix started; being closed"
	case inc.Refusal != "":
		return "the approved fix was not started; being escalated"
	case inc.Queued != nil && inc.Queued.Group != "":
		return "approved; waiting for a place in the group " + inline(inc.Queued.Group, MaxParameter) + ", where " +
			inline(inc.Queued.Holder, MaxParameter) + " came first"
	case inc.Queued != nil:
		return "approved; waiting for " + inline(inc.Queued.Holder, MaxParameter) + " to finish on the same target"
	}
	return "approved; the fix is about to start"
}

func resolvedLine(inc incident.Incident) string {
	how := resolvedHow(inc)
	if inc.Attempt != nil && inc.Attempt.Again != "" {
		how += "; it did not last: the trouble was back as " + inline(inc.Attempt.Again, MaxParameter)
	}
	return how
}

func resolvedHow(inc incident.Incident) string {
	switch r := inc.Resolution; {
	case r != nil && r.By == incident.SourceActor(inc.Source):
		return "after its escalation its source reported recovery"
	case r != nil:
		return "by " + inline(string(r.By), MaxParameter) + ", after it had been escalated"
	case inc.Attempt != nil && inc.Attempt.Outcome == incident.Simulated:
		return "after a simulated fix: nothing was changed"
	case inc.Attempt != nil:
		return "by the approved fix"
	case inc.RecoveredAt != nil:
		return "its source reported recovery"
	}
	return "by hand"
}

func causeBy(a incident.Analysis) string {
	switch a.AnalyzedBy {
	case incident.ByGemini:
		return fmt.Sprintf("Gemini, %.0f %% sure", 100*min(max(a.Confidence, 0), 1))
	case incident.ByRules:
		return "built-in rules, a known log signature"
	}
	return "no cause was found"
}

func askedBecause(inc incident.Incident) string {
	switch {
	case inc.Plan == nil && len(inc.Candidates) > 0:
		return "no fix is proposed; a person has to look, then choose one, resolve or escalate"
	case inc.Plan == nil:
		return "there is no fix to approve; a person has to look, then resolve or escalate"
	}
	if inc.Caution != "" {
		return "no fix runs before a person approves it. Caution: " + string(line(inc.Caution, MaxManualReason)) // our words, and a window's name out of services.yaml
	}
	return "no fix runs before a person approves it"
}

// approvals lists who approved while the approvals are still too few.
func approvals(inc incident.Incident) []string {
	if inc.Decision != nil {
		return nil
	}
	var who []string
	for _, v := range inc.Votes {
		if v.Action == incident.Approve {
			name := inline(string(v.By), MaxParameter)
			if p := inc.PlanFor(v); inc.Plan == nil && p != nil { // a candidate: votes for different ones do not add up
				name += " (" + p.FixID + ")"
			}
			who = append(who, name)
		}
	}
	return who
}

func decisionLine(d *incident.Decision) string {
	if d == nil {
		return ""
	}
	verb := map[incident.Action]string{
		incident.Approve: "approved", incident.Escalate: "escalation chosen", incident.Resolve: "resolved",
	}[d.Action]
	by := inline(string(d.By), MaxParameter)
	s := verb + " by " + by + " at " + clock(d.At)
	switch {
	case d.By == incident.System:
		s = "escalated by " + by + " at " + clock(d.At) + ": " + ReasonText(incident.Reason(d.Reason))
	case strings.HasPrefix(string(d.By), "source:"):
		s += ": the source reported recovery"
	}
	return s
}

func ticket(inc incident.Incident) (name, url Outside) {
	t := inc.Ticket
	switch {
	case t == nil && inc.Status == incident.Escalated:
		return "none: it could not be opened", ""
	case t == nil:
		return "", ""
	}
	text := inline(t.Tracker, maxTicketKey) + " " + inline(t.Key, maxTicketKey)
	if t.Simulated() {
		text += " (no real ticket was opened)"
	}
	return Outside(text), line(t.URL, maxTicketURL)
}

// escalated says why the incident ends or is about to end in escalation, so that
// a ticket, which is opened just before, says it too.
func escalated(inc incident.Incident) string {
	settled := inc.Refusal != "" || inc.Attempt != nil && inc.Attempt.FinishedAt != nil ||
		inc.Decision != nil && inc.Decision.Action != incident.Approve
	status, reason := inc.Conclusion()
	switch {
	case inc.Status == incident.Escalated || inc.Resolution != nil:
		return reasonText(inc, inc.EscalationReason)
	case inc.Open() && settled && status == incident.Escalated:
		return reasonText(inc, reason)
	}
	return ""
}

// reasonText is ReasonText, with what only the incident's record knows.
func reasonText(inc incident.Incident, r incident.Reason) string {
	switch {
	case r == incident.ReasonTargetBusy && inc.Queued != nil && inc.Queued.Group != "":
		return "the approved fix did not get its turn, because its group " + inline(inc.Queued.Group, MaxParameter) +
			" had no place; the fix of " + inline(inc.Queued.Holder, MaxParameter) + " held one to the end"
	case r == incident.ReasonTargetBusy && inc.Queued != nil:
		return ReasonText(r) + ": that of " + inline(inc.Queued.Holder, MaxParameter)
	case r == incident.ReasonPlanStale && inc.Attempt != nil:
		return "the target was no longer as planned when the fix was about to start; nothing was changed"
	case r == incident.ReasonFixUnverified && inc.Attempt != nil && inc.Attempt.Undoing != nil:
		return "the fix was applied, but was not seen to help; " + undoneLine(inc)
	}
	return ReasonText(r)
}

// ReasonText says in words why an incident was escalated.
func ReasonText(r incident.Reason) string {
	if s, ok := map[incident.Reason]string{
		incident.ReasonChosen:              "a person chose to escalate",
		incident.ReasonApprovalTimeout:     "nobody decided in time",
		incident.ReasonApprovalStale:       "the approval was older than 15 minutes when the fix was about to start",
		incident.ReasonPlanStale:           "the approved plan no longer means the same: services.yaml or the catalogue changed since",
		incident.ReasonTargetBusy:          "the approved fix did not get its turn, because another one held the target",
		incident.ReasonExecutionStopped:    "the approved fix was not started: fixes are stopped, frozen, or this one was tried in vain",
		incident.ReasonFixFailed:           "the fix failed",
		incident.ReasonFixUnverified:       "the fix ran, but the service was not seen healthy after it",
		incident.ReasonFixUnknown:          "it is not known whether the fix was applied",
		incident.ReasonDecisionUndelivered: "the decision could not be delivered to the workflow",
		incident.ReasonStepFailed:          "a step of OpsGuard gave up",
	}[r]; ok {
		return s
	}
	return "the reason " + inline(string(r), MaxParameter)
}

// refusalRecovered is the one refusal that is no reason to escalate.
const refusalRecovered incident.Reason = "recovered"

func refusalText(inc incident.Incident) string {
	if inc.Refusal == refusalRecovered {
		return "the source reported recovery first"
	}
	return reasonText(inc, inc.Refusal)
}
