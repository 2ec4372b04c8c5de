package incident

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// Change is one transaction. A store writes all of it or nothing, and only if
// the stored version is Incident.Version-1; otherwise it answers Conflict with
// CodeVersion. Beside the incident and its event a Change may carry:
//
//   - Evidence, to be written with the first version;
//   - Hold of the fingerprint: HoldDedup asks that no open incident holds it
//     (CodeDuplicate otherwise), FreeDedup deletes this incident's and copies its
//     count and last-seen time into the incident, KeepDedup says until when it is joined;
//   - Wait, to replace the stored one; FreeWait, to delete it;
//   - Untold: the ticket and the messages, or that of its group, lag behind this change
//     until somebody has told them; the store keeps the incident on a list for that;
//   - Unless, which asks that the tenant's kill switch does not stop as much
//     (Conflict, with CodeStopped, otherwise); asked before Take;
//   - Take, which asks that nobody else holds the target at that time
//     (Busy, with CodeTargetBusy, otherwise), and then, if it names a group, that this has
//     a place (Full, with CodeTargetBusy, otherwise); Free and FreeGroup, which give this
//     incident's hold and its place back.
type Change struct {
	Incident Incident
	Event    Event

	Evidence  *Evidence
	HoldDedup bool
	FreeDedup bool
	KeepDedup time.Time // zero: it is not limited by this change
	Wait      *Wait
	FreeWait  bool
	Untold    bool
	Unless    Stop // "": it does not depend on the kill switch
	Take      *Hold
	Free      string // a target's key; "" for none
	FreeGroup string // AtOnce.Key of a group; "" for none
}

// Hold is who is executing on a target, until when.
type Hold struct {
	Target string    `json:"target"`
	Ref    Ref       `json:"ref"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	AtOnce AtOnce    `json:"atOnce,omitzero"` // the group in which it takes a place too
}

// Empty reports whether there is nothing to write: it was recorded before.
func (c Change) Empty() bool { return c.Event.Seq == 0 }

// recorded is the answer to asking again.
func (i Incident) recorded() Change { return Change{Incident: i} }

// notBefore is now, or the time of the last change if that is later: a clock that
// is behind must neither make the trail run backwards nor reopen a deadline.
func (i Incident) notBefore(now time.Time) time.Time {
	if now = Stamp(now); now.Before(i.UpdatedAt) {
		return i.UpdatedAt
	}
	return now
}

// change makes the next version of i, a deep enough copy that the caller's value
// is never written to, and its event.
func (i Incident) change(now time.Time, by Actor, action EventAction, details map[string]string) Change {
	now = i.notBefore(now)
	next := i
	next.Votes = slices.Clone(i.Votes)
	if i.Asked != nil {
		asked := *i.Asked
		asked.Notices, asked.Former = slices.Clone(asked.Notices), slices.Clone(asked.Former)
		next.Asked = &asked
	}
	if i.Attempt != nil {
		attempt := *i.Attempt
		if i.Attempt.Undoing != nil {
			undoing := *i.Attempt.Undoing
			attempt.Undoing = &undoing
		}
		next.Attempt = &attempt
	}
	next.Version++
	next.UpdatedAt = now
	event := Event{Seq: next.Version, Time: now, Actor: by, Action: action, Details: maps.Clone(details), PrevHash: i.HeadHash}
	if event.Details == nil {
		event.Details = map[string]string{}
	}
	if i.Version == 0 {
		event.PrevHash = FirstPrevHash
	}
	return Change{Incident: next, Event: event, Untold: i.grouped() && shown[action]}.sealed()
}

// shown are the events after which a group's message has to show the incident anew.
var shown = map[EventAction]bool{EventDecided: true, EventFixStarted: true, EventFixRefused: true, EventResolved: true, EventEscalated: true}

// grouped reports whether people were told of the incident together with others.
func (i Incident) grouped() bool {
	return i.Asked != nil && slices.ContainsFunc(slices.Concat(i.Asked.Former, i.Asked.Notices), func(n Notice) bool { return n.Group != "" })
}

// sealed computes the event's hash and makes it the incident's head. It must be
// the last thing done to an event.
func (c Change) sealed() Change {
	c.Event.Hash = c.Event.HashFor(c.Incident.Ref)
	c.Incident.HeadHash = c.Event.Hash
	return c
}

// become moves to the next status or says why not.
func (c *Change) become(next Status) error {
	if from := c.Incident.Status; !from.CanBecome(next) {
		return badTransition(from, next)
	}
	c.Incident.Status = next
	return nil
}

func badTransition(from, next Status) error {
	if from.Final() {
		return Fail(Conflict, CodeClosed, "the incident is %s; its workflow has ended", from)
	}
	return Fail(Conflict, CodeTransition, "an incident that is %s cannot become %s", from, next)
}

// New is what a new incident begins with. The alert must be valid and redacted.
type New struct {
	Ref             Ref
	Alert           Alert
	Fingerprint     string // the alert's; "": it is computed
	By              Actor
	ApprovalTimeout time.Duration // whole seconds
	Now             time.Time
}

// Open makes the first version of an incident: DETECTED.
func Open(n New) Change {
	now := Stamp(n.Now)
	if n.Fingerprint == "" {
		n.Fingerprint = n.Alert.Fingerprint()
	}
	inc := Incident{
		Ref: n.Ref, Source: n.Alert.Source, Service: n.Alert.Service, Severity: n.Alert.Severity, Link: n.Alert.Link,
		Fingerprint: n.Fingerprint, CreatedAt: now, UpdatedAt: now,
		Occurrences: 1, LastSeenAt: now, ApprovalTimeout: int64(n.ApprovalTimeout / time.Second),
	}
	details := map[string]string{
		"source": inc.Source, "service": inc.Service, "severity": string(inc.Severity),
		"fingerprint": inc.Fingerprint, "evidenceSha256": sha256Hex(n.Alert.ErrorLogs),
	}
	if !n.Alert.Timestamp.IsZero() {
		at := Stamp(n.Alert.Timestamp)
		inc.AlertedAt = &at
		details["alertedAt"] = FormatTime(at)
	}
	c := inc.change(now, n.By, EventDetected, details)
	c.Incident.Status = Detected
	c.Evidence = &Evidence{Logs: n.Alert.ErrorLogs}
	c.HoldDedup = true
	return c
}

// Propose stores the analysis and, if there is a fix to propose, the proposal;
// once, and only while DETECTED. A nil proposal means manual review.
func (i Incident) Propose(a Analysis, p *Proposal, now time.Time) (Change, error) {
	if i.Analysis != nil {
		return i.recorded(), nil
	}
	if i.Status != Detected {
		return Change{}, badTransition(i.Status, Detected)
	}
	details := map[string]string{"analyzedBy": string(a.AnalyzedBy), "cause": a.Cause,
		"confidence": strconv.FormatFloat(a.Confidence, 'f', 2, 64)}
	if p != nil {
		details["fixId"] = p.FixID
		for name, value := range p.Parameters {
			details["parameter."+name] = value
		}
	} else {
		details["manualReview"] = a.ManualReason
	}
	c := i.change(now, System, EventAnalyzed, details)
	c.Incident.Analysis, c.Incident.Proposal = &a, p
	return c, nil
}

// Ask is what wait-for-approval brings.
type Ask struct {
	// ManualReason says why there is no plan; "" where there is one.
	ManualReason string
	Token        TaskToken
	EnteredAt    time.Time
	RetryCount   int64
	Now          time.Time
}

// maxMargin bounds how long before the workflow's own timeout decisions close.
const maxMargin = 60 * time.Second

// DeadlineFor is until when decisions are taken: the workflow's wait, entered at
// entered and lasting timeout, less a margin of a quarter of it or 60 s, in
// which a decision taken at the last moment can still be delivered.
func DeadlineFor(entered time.Time, timeout time.Duration) time.Time {
	return Stamp(entered.Add(timeout - min(maxMargin, timeout/4)))
}

// Await stores the task token and moves to
// WAITING_FOR_APPROVAL. Asked again while waiting, it keeps plan and deadline
// and only lets a newer token replace the stored one: later entered, or as
// entered with more retries. An older one is refused with CodeTokenOlder.
func (i Incident) Await(a Ask) (Change, error) {
	entered := Stamp(a.EnteredAt)
	if i.Status == WaitingForApproval && i.Asked != nil {
		switch newer := entered.Compare(i.Asked.EnteredAt); {
		case newer == 0 && a.RetryCount == i.Asked.RetryCount:
			return i.recorded(), nil
		case newer < 0 || newer == 0 && a.RetryCount < i.Asked.RetryCount:
			return Change{}, Fail(Conflict, CodeTokenOlder, "a newer task token is stored")
		}
		c := i.change(a.Now, System, EventAskedAgain, map[string]string{
			"enteredAt": FormatTime(entered), "retryCount": strconv.FormatInt(a.RetryCount, 10)})
		c.Incident.Asked.EnteredAt, c.Incident.Asked.RetryCount = entered, a.RetryCount
		c.Wait = &Wait{i.Ref, a.Token, entered, a.RetryCount, i.Asked.Deadline}
		return c, nil
	}
	deadline := DeadlineFor(entered, time.Duration(i.ApprovalTimeout)*time.Second)
	details := map[string]string{"deadline": FormatTime(deadline)}
	if i.Plan != nil {
		details["fixId"], details["planHash"], details["target"] = i.Plan.FixID, i.Plan.Hash, i.Plan.Target.Key()
	} else {
		details["manualReview"] = a.ManualReason
	}
	c := i.change(a.Now, System, EventAsked, details)
	if err := c.become(WaitingForApproval); err != nil {
		return Change{}, err
	}
	if i.Analysis == nil { // the analysis step gave up; the record says so
		c.Incident.Analysis = &Analysis{AnalyzedBy: ByNone}
	}
	if i.Plan == nil {
		analysis := *c.Incident.Analysis
		analysis.ManualReason = a.ManualReason
		c.Incident.Analysis = &analysis
	}
	c.Incident.Asked = &Asked{EnteredAt: entered, RetryCount: a.RetryCount, Deadline: deadline}
	c.Wait = &Wait{i.Ref, a.Token, entered, a.RetryCount, deadline}
	return c, nil
}

// Notified records that people were told, and where. While complete is false a
// channel is still to be tried again: NotifiedAt stays nil.
func (i Incident) Notified(notices []Notice, complete bool, now time.Time) (Change, error) {
	if i.Asked == nil {
		return Change{}, Fail(Conflict, CodeNotWaiting, "nobody has been asked yet")
	}
	details := map[string]string{}
	var fresh []Notice
	for _, n := range notices {
		if !i.Asked.told(n.Channel) {
			fresh = append(fresh, n)
			details["channel."+n.Channel] = n.MessageID
		}
	}
	if i.Asked.NotifiedAt != nil || len(fresh) == 0 && !complete {
		return i.recorded(), nil
	}
	if !complete {
		details["incomplete"] = "true"
	} else if len(fresh)+len(i.Asked.Notices) == 0 {
		details["channels"] = "none took it"
	}
	c := i.change(now, System, EventNotified, details)
	c.Incident.Asked.Notices = append(c.Incident.Asked.Notices, fresh...)
	if at := c.Incident.UpdatedAt; complete {
		c.Incident.Asked.NotifiedAt = &at
	}
	return c, nil
}

// Raise makes the incident as severe as an alert that joined it, if that is worse than
// every one before. People who were asked are to be told once more, unless somebody
// has decided; of an escalated one, its ticket is told.
func (i Incident) Raise(to Severity, by Actor, now time.Time) (Change, error) {
	if !to.Above(i.Severity) || i.Status == Resolved {
		return i.recorded(), nil
	}
	c := i.change(now, by, EventRaised, map[string]string{"from": string(i.Severity), "to": string(to)})
	c.Incident.Severity = to
	c.Untold = c.Untold || i.Status == Escalated
	if asked := c.Incident.Asked; asked != nil && i.Decision == nil {
		asked.Former = append(asked.Former, asked.Notices...)
		asked.Former = asked.Former[max(0, len(asked.Former)-maxFormer):]
		asked.Notices, asked.NotifiedAt = nil, nil
	}
	return c, nil
}

// maxFormer bounds the messages that are kept up to date beside the last ones: a
// severity rises three times at most.
const maxFormer = 64

func (a Asked) told(channel string) bool {
	return slices.ContainsFunc(a.Notices, func(n Notice) bool { return n.Channel == channel })
}

// Told reports whether a channel has taken the message.
func (i Incident) Told(channel string) bool { return i.Asked != nil && i.Asked.told(channel) }
