package incident

import (
	"fmt"
	"time"
)

// EventAction is what an audit event records. The set is closed.
type EventAction string

const (
	EventDetected     EventAction = "detected"
	EventAnalyzed     EventAction = "analyzed"
	EventAsked        EventAction = "approval-requested"
	EventAskedAgain   EventAction = "approval-requested-again"
	EventNotified     EventAction = "notified"
	EventRaised       EventAction = "severity-raised"
	EventVoted        EventAction = "voted"
	EventDecided      EventAction = "decided"
	EventRecovered    EventAction = "recovered"
	EventFixQueued    EventAction = "fix-queued"
	EventFixStarted   EventAction = "fix-started"
	EventFixRefused   EventAction = "fix-refused"
	EventPlanned      EventAction = "planned"
	EventFixApplied   EventAction = "fix-applied" // the target took it; now it settles
	EventFixWatched   EventAction = "fix-watched" // it still settles; the target is held for longer
	EventFixFinished  EventAction = "fix-finished"
	EventUndoStarted  EventAction = "undo-started"
	EventUndoApplied  EventAction = "undo-applied"
	EventUndoFinished EventAction = "undo-finished"
	EventFixLate      EventAction = "fix-finished-late"
	EventDidNotLast   EventAction = "did-not-last" // the trouble is back, as another incident, while the fix was watched
	EventUndoLate     EventAction = "undo-finished-late"
	EventTicket       EventAction = "ticket-created"
	EventResolved     EventAction = "resolved"
	EventEscalated    EventAction = "escalated"
	EventRecurred     EventAction = "recurred"             // the same trouble was reported again after the escalation
	EventReleased     EventAction = "fingerprint-released" // from now on it opens another incident
)

// Event is one line of an incident's audit trail. Seq counts from 1 and is the
// version of the incident that the event made. Hash covers everything else, the
// incident's ref and the hash before it, so an event cannot be changed, moved or
// dropped without every later hash, and the head kept in the incident, changing.
type Event struct {
	Seq      int64             `json:"seq"`
	Time     time.Time         `json:"time"`
	Actor    Actor             `json:"actor"`
	Action   EventAction       `json:"action"`
	Details  map[string]string `json:"details"`
	PrevHash string            `json:"prevHash"`
	Hash     string            `json:"hash"`
}

// FirstPrevHash is the PrevHash of event 1: 64 zeros.
const FirstPrevHash = "0000000000000000000000000000000000000000000000000000000000000000"

// HashFor computes the event's hash in the trail of an incident: SHA-256, in
// hex, over canonical JSON (RFC 8785).
func (e Event) HashFor(ref Ref) string {
	return sha256Hex(canonical(map[string]any{
		"tenant":     ref.Tenant,
		"incidentId": ref.ID,
		"seq":        e.Seq,
		"time":       FormatTime(e.Time),
		"actor":      string(e.Actor),
		"action":     string(e.Action),
		"details":    e.Details,
		"prevHash":   e.PrevHash,
	}))
}

// BadEvent is where a chain breaks first and how.
type BadEvent struct {
	Seq int64
	Why string
}

// VerifyChain recomputes the whole trail of an incident against the head that
// the incident itself holds; nil means it is whole. A trail that was cut off at
// the end is bad at the first event that is missing.
func VerifyChain(inc Incident, events []Event) *BadEvent {
	prev := FirstPrevHash
	for i, e := range events {
		want := int64(i + 1)
		switch {
		case e.Seq != want:
			return &BadEvent{want, fmt.Sprintf("event %d stands where event %d belongs: missing or reordered", e.Seq, want)}
		case e.PrevHash != prev:
			return &BadEvent{want, "does not follow the event before it"}
		case e.HashFor(inc.Ref) != e.Hash:
			return &BadEvent{want, "was changed, or belongs to another incident"}
		case want > inc.Version:
			return &BadEvent{want, "comes after the incident's head"}
		}
		prev = e.Hash
	}
	switch n := int64(len(events)); {
	case n < inc.Version:
		return &BadEvent{n + 1, "missing: the trail was cut off"}
	case prev != inc.HeadHash:
		return &BadEvent{n, "is not the head that the incident holds"}
	}
	return nil
}
