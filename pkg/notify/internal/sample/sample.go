// Package sample makes the briefs that the channels' tests post.
package sample

import (
	"maps"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// ID is the incident of every sample.
const ID = "INC-01JZ0000000000000000000000"

// At is a time on the day of the samples; people are asked at 10:06, until 14:05.
func At(hour, minute int) time.Time {
	return time.Date(2026, time.November, 2, hour, minute, 0, 0, time.UTC)
}

// Links decide nothing, but look as long as real ones.
func Links() brief.Links {
	const t = "&t=v1.k1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	const u = "https://ops.example.test/approve-fix?incidentId=" + ID + "&action="
	return brief.Links{Approve: u + "approve" + t, Choose: u + "approve" + t + "B", Escalate: u + "escalate" + t, Resolve: u + "resolve" + t, View: "https://ops.example.test/incidents/" + ID}
}

// Waiting has a fix that waits for a person.
func Waiting() incident.Incident {
	return incident.Incident{
		Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: ID}, Status: incident.WaitingForApproval, Source: "api",
		Service: "prod-api-01", Severity: incident.Critical, CreatedAt: At(10, 5), Occurrences: 3,
		Link: "https://monitor.example.test/d/node_heap/overview?from=1793614500000&to=1793618100000&var-instance=prod-api-01",
		Analysis: &incident.Analysis{AnalyzedBy: incident.ByGemini, Confidence: 0.82,
			Cause:    "Node.js heap out of memory. The process hit its heap limit while it served the report export, whose result set is held in memory whole.",
			Evidence: []string{"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "[1:0x5581] 91 ms: Mark-sweep 2047.1 (2083.4) -> 2046.8 (2083.9) MB"}},
		Plan: &incident.Plan{FixID: "restart-service", Title: "Restart prod-api-01, one instance at a time", Risk: "medium",
			Target: incident.Target{Service: "prod-api-01", Type: "simulated"}, Parameters: map[string]string{"grace_seconds": "30"},
			Hash: "90e0db5fb5f4aaaa"},
		Asked: &incident.Asked{Deadline: At(14, 5)},
	}
}

// Review is a manual review.
func Review() incident.Incident {
	inc := Waiting()
	inc.Plan, inc.Occurrences = nil, 1
	inc.Analysis = &incident.Analysis{AnalyzedBy: incident.ByNone, Cause: "No known failure signature matches these logs.",
		Evidence: []string{"exit status 3"}, ManualReason: `"prod-api-01" is not listed in services.yaml, so no fix may be proposed for it. Add it there with an owner, a target and its allowed fixes, and restart or deploy.`}
	return inc
}

// Approved is decided, its fix about to start.
func Approved() incident.Incident {
	inc := Waiting()
	inc.Decision = &incident.Decision{Action: incident.Approve, By: incident.KeyActor("anna"), At: At(11, 0), Note: "go ahead"}
	return inc
}

// Simulated is closed after a fix that was walked through.
func Simulated() incident.Incident {
	inc := Approved()
	end := At(11, 3)
	inc.Status = incident.Resolved
	inc.Attempt = &incident.Attempt{StartedAt: At(11, 1), FinishedAt: &end, Outcome: incident.Simulated, Verified: true,
		Steps: []incident.FixStep{{Name: "drain", Status: "simulated", Detail: "1 of 3 instances"}, {Name: "restart", Status: "simulated"}}}
	return inc
}

// TimedOut is escalated, with a ticket.
func TimedOut() incident.Incident {
	inc := Waiting()
	inc.Status, inc.EscalationReason = incident.Escalated, incident.ReasonApprovalTimeout
	inc.Decision = &incident.Decision{Action: incident.Escalate, By: incident.System, At: At(14, 6), Reason: string(incident.ReasonApprovalTimeout)}
	inc.Ticket = &incident.Ticket{Tracker: "jira", Key: "OPS-12", URL: "https://jira.example.test/browse/OPS-12"}
	return inc
}

// Hostile puts one text wherever text from outside can stand.
func Hostile(text string) incident.Incident {
	inc := Simulated()
	inc.Status, inc.EscalationReason = incident.Escalated, incident.ReasonFixFailed
	inc.Service, inc.Source, inc.Link = text, text, text
	inc.Analysis = &incident.Analysis{AnalyzedBy: incident.ByGemini, Cause: text, Evidence: slices.Repeat([]string{text}, 7)}
	plan := *inc.Plan
	plan.Parameters = maps.Clone(plan.Parameters)
	plan.Parameters["p"] = text
	inc.Plan = &plan
	inc.Decision.Note = text
	inc.Attempt.Steps = []incident.FixStep{{Name: text, Status: text, Detail: text}}
	inc.Ticket = &incident.Ticket{Tracker: "jira", Key: text, URL: "see " + text} // no https URL: only those may link, for they are the tracker's
	return inc
}

// HostileWaiting is Hostile while people can still decide.
func HostileWaiting(text string) incident.Incident {
	inc := Hostile(text)
	inc.Status, inc.EscalationReason, inc.Decision, inc.Attempt, inc.Ticket = incident.WaitingForApproval, "", nil, nil, nil
	return inc
}

// HostileReview is a manual review with that text in its reason.
func HostileReview(text string) incident.Incident {
	inc := HostileWaiting(text)
	inc.Plan = nil
	inc.Analysis.ManualReason = text
	return inc
}
