package incident

import "time"

// Attention is what an open incident needs when it is late: when its workflow did not
// do in time what its record says comes next.
type Attention string

const (
	NeedsNothing  Attention = ""
	NeedsStart    Attention = "start"    // its execution may never have begun
	NeedsDelivery Attention = "delivery" // the workflow may not know what was decided
	NeedsAsking   Attention = "asking"   // a channel has still to be told
	NeedsLook     Attention = "look"     // only its execution can say what is wrong
)

// How long each part of a life takes at most where nothing was lost. A start, a
// delivery and a message may be repeated without harm, so they are repeated soon.
// A look costs a call to the workflow, so it waits until the state machine's own
// retries and time limits have had their turn.
const (
	startTime    = 2 * time.Minute  // from being recorded to the first step's result, usually
	deliverTime  = time.Minute      // from a decision to what follows
	askTime      = 2 * time.Minute  // from asking to the last channel's answer, a channel's own limit included
	analyzeTime  = 15 * time.Minute // from being recorded to asking people, with every retry
	concludeTime = 20 * time.Minute // from a decision, or a fix's end, to the next change
	timeoutTime  = 5 * time.Minute  // from the deadline to what follows
)

// Overdue says what is late at that time. It depends on nothing but the record.
func (i Incident) Overdue(now time.Time) Attention {
	what, repeat, look := i.late()
	switch {
	case !i.Open():
		return NeedsNothing
	case !now.Before(look):
		return NeedsLook
	case what != NeedsNothing && !now.Before(repeat):
		return what
	}
	return NeedsNothing
}

// Due is the first instant at which an open incident is overdue if nothing changes.
func (i Incident) Due() time.Time {
	what, repeat, look := i.late()
	if what == NeedsNothing || look.Before(repeat) {
		return look
	}
	return repeat
}

// late gives what may be repeated and from when, and when the execution has to be
// looked at. A status that is not named here is looked at too.
func (i Incident) late() (what Attention, repeat, look time.Time) {
	switch {
	case i.Status == Detected:
		return NeedsStart, i.UpdatedAt.Add(startTime), i.UpdatedAt.Add(analyzeTime)
	case i.Status == WaitingForApproval && i.Decision != nil:
		return NeedsDelivery, i.Decision.At.Add(deliverTime), i.UpdatedAt.Add(concludeTime)
	case i.Status == WaitingForApproval && i.Asked != nil && i.Asked.NotifiedAt == nil:
		return NeedsAsking, i.Asked.EnteredAt.Add(askTime), i.Asked.Deadline.Add(timeoutTime)
	case i.Status == WaitingForApproval && i.Asked != nil:
		return NeedsNothing, time.Time{}, i.Asked.Deadline.Add(timeoutTime)
	case i.Status == ExecutingFix && i.Attempt != nil && i.Attempt.FinishedAt == nil:
		return NeedsNothing, time.Time{}, i.Attempt.Until.Add(deliverTime)
	}
	return NeedsNothing, time.Time{}, i.UpdatedAt.Add(concludeTime)
}
