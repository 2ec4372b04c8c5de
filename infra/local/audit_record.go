package local

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
)

// contradicted compares what record and evidence say with the events that tell of
// it: the chain's hashes cover the events only, and it is the record that people
// read. The events must have passed VerifyChain. nil if the two agree.
func contradicted(inc incident.Incident, evidence incident.Evidence, events []incident.Event) *incident.BadEvent {
	told := retell(events)
	sum := sha256.Sum256([]byte(evidence.Logs))
	all := append(claims(inc, told), claim{"the evidence hashes to", hex.EncodeToString(sum[:]), told.detected.Details["evidenceSha256"], told.detected.Seq})
	for _, claim := range all {
		if claim.record != claim.trail {
			seq := claim.seq
			if seq == 0 { // no event tells of it: the record says more than the whole trail
				seq = inc.Version
			}
			return &incident.BadEvent{Seq: seq, Why: fmt.Sprintf("the record says %s %q, the trail says %q", claim.what, claim.record, claim.trail)}
		}
	}
	return nil
}

// story is what a trail tells: its last word on each thing that a record has.
type story struct {
	status                   incident.Status
	statusSeq                int64
	detected, asked, decided incident.Event // zero: not in the trail
	planned                  incident.Event // where the plan's hash stands
	started, finished        incident.Event
	applied                  incident.Event
	undo, undone             incident.Event
	ticket                   incident.Event
}

func retell(events []incident.Event) (s story) {
	become := func(e incident.Event, status incident.Status) { s.status, s.statusSeq = status, e.Seq }
	for _, e := range events {
		switch e.Action {
		case incident.EventDetected:
			s.detected = e
			become(e, incident.Detected)
		case incident.EventPlanned:
			s.planned = e
		case incident.EventAsked:
			s.asked = e
			if s.planned.Seq == 0 { // incidents of before plans were frozen by a step of their own
				s.planned = e
			}
			become(e, incident.WaitingForApproval)
		case incident.EventDecided:
			s.decided = e
			if s.planned.Details["planHash"] == "" && e.Details["action"] == string(incident.Approve) { // a candidate was chosen
				s.planned = e
			}
		case incident.EventFixStarted:
			s.started = e
			become(e, incident.ExecutingFix)
		case incident.EventFixApplied:
			if s.applied.Seq == 0 { // after a look saw it under way, the call's own report is only kept as an event
				s.applied = e
			}
		case incident.EventUndoStarted:
			s.undo = e
		case incident.EventUndoFinished:
			s.undone = e
			if s.undo.Seq == 0 { // it was refused before it began
				s.undo = e
			}
		case incident.EventUndoLate:
			if s.undone.Seq == 0 {
				s.undone = e
			}
		case incident.EventFixFinished:
			s.finished = e
		case incident.EventFixLate:
			if s.finished.Seq == 0 { // after an earlier result it is only kept as an event
				s.finished = e
			}
		case incident.EventTicket:
			s.ticket = e
		case incident.EventResolved:
			become(e, incident.Resolved)
		case incident.EventEscalated:
			become(e, incident.Escalated)
		}
	}
	return s
}

// claim is one thing as the record has it and as the trail tells it; both are ""
// where it did not happen.
type claim struct {
	what, record, trail string
	seq                 int64 // the event that tells of it; 0 if none does
}

// serviceOf reads the service from the event that opened the incident. Events
// written before the field had its present name call it serverName.
func serviceOf(detected incident.Event) string {
	return cmp.Or(detected.Details["service"], detected.Details["serverName"])
}

func claims(inc incident.Incident, s story) []claim {
	all := []claim{
		{"the service is", inc.Service, serviceOf(s.detected), s.detected.Seq},
		{"the status is", string(inc.Status), string(s.status), s.statusSeq},
	}
	var frozen, deadline string
	if inc.Plan != nil {
		frozen = inc.Plan.HashFor(inc.Ref)
	}
	if inc.Asked != nil {
		deadline = incident.FormatTime(inc.Asked.Deadline)
	}
	all = append(all,
		claim{"the plan hashes to", frozen, s.planned.Details["planHash"], s.planned.Seq},
		claim{"people could decide until", deadline, s.asked.Details["deadline"], s.asked.Seq})
	var action, by, at string
	if d := inc.Decision; d != nil {
		action, by, at = string(d.Action), string(d.By), incident.FormatTime(d.At)
	}
	all = append(all,
		claim{"the decision is", action, s.decided.Details["action"], s.decided.Seq},
		claim{"it was decided by", by, string(s.decided.Actor), s.decided.Seq},
		claim{"it was decided at", at, timeOf(s.decided), s.decided.Seq})
	var run, started, outcome, verified string
	if inc.Attempt != nil {
		run, started = frozen, incident.FormatTime(inc.Attempt.StartedAt)
	}
	if inc.Attempt != nil && inc.Attempt.FinishedAt != nil {
		outcome, verified = string(inc.Attempt.Outcome), strconv.FormatBool(inc.Attempt.Verified)
	}
	all = append(all,
		claim{"the plan that was run hashes to", run, s.started.Details["planHash"], s.started.Seq},
		claim{"the fix was started at", started, timeOf(s.started), s.started.Seq},
		claim{"the fix ended", outcome, s.finished.Details["outcome"], s.finished.Seq},
		claim{"the fix was verified:", verified, s.finished.Details["verified"], s.finished.Seq})
	all = append(all, settlingClaims(inc, s)...)
	ticket := ""
	if inc.Ticket != nil {
		ticket = inc.Ticket.Key
	}
	return append(all, claim{"the ticket is", ticket, s.ticket.Details["key"], s.ticket.Seq})
}

// settlingClaims are those about what the target took, and about its undoing.
func settlingClaims(inc incident.Incident, s story) []claim {
	var applied, undo, undone string
	if a := inc.Attempt; a != nil && a.ActedAt != nil {
		applied = incident.FormatTime(*a.ActedAt)
	}
	if a := inc.Attempt; a != nil && a.Undoing != nil {
		undo, undone = incident.FormatTime(a.Undoing.StartedAt), string(a.Undoing.Outcome)
	}
	return []claim{
		{"the target took the fix at", applied, timeOf(s.applied), s.applied.Seq},
		{"undoing the fix was begun at", undo, timeOf(s.undo), s.undo.Seq},
		{"undoing the fix ended", undone, s.undone.Details["outcome"], s.undone.Seq},
	}
}

func timeOf(e incident.Event) string {
	if e.Seq == 0 {
		return ""
	}
	return incident.FormatTime(e.Time)
}
