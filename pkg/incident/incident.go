package incident

import "time"

// Incident is the record of one trouble: META in the store. It stays small; the
// logs are in Evidence, the task token in Wait, the trail in Events.
// Times are UTC in whole milliseconds.
type Incident struct {
	Ref
	// Version counts the changes; it is also the seq of the last audit event, and
	// the only lock: a Change applies to exactly the version before it.
	Version  int64  `json:"version"`
	HeadHash string `json:"headHash"` // hash of the last audit event

	Status      Status     `json:"status"`
	Source      string     `json:"source"`
	Service     string     `json:"serverName"`
	Severity    Severity   `json:"severity"`
	Fingerprint string     `json:"fingerprint"`
	AlertedAt   *time.Time `json:"alertedAt"` // the sender's timestamp, if it gave one
	Link        string     `json:"link"`      // where the sender shows the trouble; "" if nowhere
	CreatedAt   time.Time  `json:"createdAt"`
	UpdatedAt   time.Time  `json:"updatedAt"`

	// Occurrences and LastSeenAt are copied here when the incident closes; until
	// then the store counts joins beside the record and fills them in on reading.
	Occurrences int64     `json:"occurrences"`
	LastSeenAt  time.Time `json:"lastSeenAt"`

	// ApprovalTimeout is how long the workflow waits for people, in seconds,
	// fixed when the incident opens.
	ApprovalTimeout int64 `json:"approvalTimeoutSeconds"`

	Analysis *Analysis `json:"analysis"`
	Proposal *Proposal `json:"proposal"` // nil after analysis: manual review
	Plan     *Plan     `json:"plan"`     // frozen before people are asked, or chosen among Candidates; nil: manual review
	// Caution is what people should know before they approve: that the same was done in
	// vain, or is frozen now. "": nothing.
	Caution string `json:"caution,omitempty"`
	// Candidates are what a person may choose in a manual review, by hash; none is proposed.
	Candidates []Plan `json:"candidates,omitempty"`
	// Cautions are what people should know before they choose a candidate, by its hash.
	Cautions   map[string]string `json:"cautions,omitempty"`
	Asked      *Asked            `json:"asked"`
	Votes      []Vote            `json:"votes"`
	Decision   *Decision         `json:"decision"`
	Queued     *Queued           `json:"queued"`               // the approved fix waits until its target is free; nil: it does not
	Refusal    Reason            `json:"refusal"`              // why execute-fix will not act on the approval; "" if it may
	RefusalWhy string            `json:"refusalWhy,omitempty"` // who or what stopped it, in words for people
	Attempt    *Attempt          `json:"attempt"`
	Ticket     *Ticket           `json:"ticket"`

	EscalationReason Reason     `json:"escalationReason"`
	RecoveredAt      *time.Time `json:"recoveredAt"`

	// What came after an escalation.
	EscalatedAt *time.Time  `json:"escalatedAt,omitempty"`
	RecurredAt  *time.Time  `json:"recurredAt,omitempty"` // when a repeated alert was recorded last, once an hour at most
	Released    bool        `json:"released,omitempty"`   // the fingerprint was given back: it was escalated for too long
	Resolution  *Resolution `json:"resolution,omitempty"` // nil: it is escalated still, or never was
}

// Resolution says who ended an incident that had been escalated.
type Resolution struct {
	By   Actor     `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note"`
}

// Open reports whether the incident still waits for something.
func (i Incident) Open() bool { return !i.Status.Final() }

// AnalyzedBy says where an analysis comes from.
type AnalyzedBy string

const (
	ByGemini AnalyzedBy = "gemini"
	ByRules  AnalyzedBy = "rules"
	ByNone   AnalyzedBy = "none" // nothing was found, or everything failed: manual review
)

// Analysis is the probable cause, for a human to judge.
type Analysis struct {
	AnalyzedBy AnalyzedBy `json:"analyzedBy"`
	Cause      string     `json:"cause"`
	Evidence   []string   `json:"evidence"`   // log lines, redacted; text from outside
	Confidence float64    `json:"confidence"` // 0 to 1, as the analyst says; 0 when there is none
	// ManualReason says, in a sentence for a human, why no fix is proposed; "" when one is.
	ManualReason string `json:"manualReason,omitempty"`
	// PlanFailed: what was proposed could not be planned; ManualReason says why.
	PlanFailed bool `json:"planFailed,omitempty"`
}

// Asked says when and until when people were asked.
type Asked struct {
	EnteredAt  time.Time  `json:"enteredAt"`  // $$.State.EnteredTime of the wait
	RetryCount int64      `json:"retryCount"` // $$.State.RetryCount of the wait
	Deadline   time.Time  `json:"deadline"`   // decisions are taken until this instant
	NotifiedAt *time.Time `json:"notifiedAt"` // nil: a channel has still to be told
	Notices    []Notice   `json:"notices"`
	// Former are messages about the incident as it was less severe. They are kept up to
	// date like the others; a new one was sent because an edit wakes nobody.
	Former []Notice `json:"former,omitempty"`
}

// Notice is a message that was sent, so that it can be edited later.
type Notice struct {
	Channel   string `json:"channel"`
	MessageID string `json:"messageId,omitempty"`
	Group     string `json:"group,omitempty"` // the message is this group's; "": it is the incident's own
}

// Wait is what resumes the workflow. It is kept apart from the incident because
// of the token: only those who need it can read it.
type Wait struct {
	Ref        Ref
	Token      TaskToken
	EnteredAt  time.Time
	RetryCount int64
	Deadline   time.Time
}

// Evidence is the redacted text that the incident was opened with, written once.
type Evidence struct {
	Logs string `json:"logs"`
}

// MaxLatest bounds what is kept of the latest evidence, in bytes.
const MaxLatest = 4 * 1024

// Latest is what a repeated alert said last, redacted and bounded, where it differs from
// what came before. Evidence keeps what was said first.
type Latest struct {
	At   time.Time `json:"at"`
	Logs string    `json:"logs"` // at most MaxLatest
	// Digest is that of everything the alert said; "" if nothing of it is to be kept.
	Digest string `json:"-"`
}

// Digest tells whether two alerts said the same.
func Digest(logs string) string { return sha256Hex(logs)[:16] }

// Vote is one person's word.
type Vote struct {
	Action   Action    `json:"action"`
	By       Actor     `json:"by"`
	At       time.Time `json:"at"`
	PlanHash string    `json:"planHash"` // the plan they saw; "" for a manual review
	Note     string    `json:"note"`
}

// Decision is the one that stands.
type Decision struct {
	Action   Action    `json:"decision"`
	By       Actor     `json:"by"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason"` // why it was allowed, or a Reason when the system decided
	Note     string    `json:"note"`
	PlanHash string    `json:"planHash"`
}

// Outcome is how a fix ended.
type Outcome string

const (
	Fixed     Outcome = "fixed"
	Simulated Outcome = "simulated" // walked through; nothing was changed
	Failed    Outcome = "failed"    // nothing was changed
	Unknown   Outcome = "unknown"   // it may or may not have been applied
	Applied   Outcome = "applied"   // the target took it, and it was not seen to help
	Stale     Outcome = "stale"     // nothing was changed: the target was no longer as planned
	Undone    Outcome = "undone"    // of an undoing: the target is as it was before the fix
)

// Attempt is the one time that the plan was acted on.
type Attempt struct {
	StartedAt  time.Time  `json:"startedAt"`
	Until      time.Time  `json:"until"`           // when the hold on the target lapses, if it is not given back before
	Held       bool       `json:"held"`            // the hold has not been given back
	AtOnce     AtOnce     `json:"atOnce,omitzero"` // the group in which the hold has a place
	FinishedAt *time.Time `json:"finishedAt"`      // nil while running, or if never heard of again
	Outcome    Outcome    `json:"outcome"`         // "" while running
	Verified   bool       `json:"verified"`
	Steps      []FixStep  `json:"steps"`
	// Heard: the call that acted has reported. Until then it may still be acting,
	// whatever a later look has recorded.
	Heard bool `json:"heard"`
	// Runner names the process that acts, where one process at a time can have the
	// store open: so a process of another name knows that the one that acted is gone.
	// "" where several may run at once.
	Runner string `json:"runner,omitempty"`

	ActedAt *time.Time `json:"actedAt,omitempty"` // when the target had taken the fix; until FinishedAt it settles
	Receipt State      `json:"receipt,omitempty"` // what the executor finds it again by
	Undoing *Undoing   `json:"undoing,omitempty"` // nil: nobody began to undo it

	// WatchedUntil is until when the same trouble must stay away for the fix to have
	// helped; nil: nobody watches. See Incident.Lasted.
	WatchedUntil *time.Time `json:"watchedUntil,omitempty"`
	Again        string     `json:"again,omitempty"` // the incident with which it was back within that time; "": it is not
}

// Undoing is the one time that a fix was undone.
type Undoing struct {
	StartedAt  time.Time  `json:"startedAt"`
	ActedAt    *time.Time `json:"actedAt"`    // when the target had taken it
	FinishedAt *time.Time `json:"finishedAt"` // nil while it is under way, or if never heard of again
	Outcome    Outcome    `json:"outcome"`    // undone, applied, failed, unknown; "" while under way
	Steps      []FixStep  `json:"steps"`
	Receipt    State      `json:"receipt,omitempty"`
	Heard      bool       `json:"heard"` // as Attempt's
	Runner     string     `json:"runner,omitempty"`
}

// Queued is an approved fix that waits for its turn on the target.
type Queued struct {
	Holder string    `json:"holder"`          // the incident whose fix holds the target, or a place in the group
	Group  string    `json:"group,omitempty"` // the group that has no place; "": the target is held
	Since  time.Time `json:"since"`           // when it first had to wait
}

// FixStep is one thing an executor did or looked at.
type FixStep struct {
	Name   string    `json:"name"`
	Status string    `json:"status"` // ok, failed, simulated, skipped
	Detail string    `json:"detail"`
	At     time.Time `json:"at"`
}

// Ticket is where an incident was escalated to. An incident's record keeps
// Tracker, Key and URL. The rest is what a tracker without a system of its own
// keeps in the store; Title and Body hold text from outside.
type Ticket struct {
	Tracker string `json:"tracker"`
	Key     string `json:"key"`
	URL     string `json:"url"`

	Tenant     string    `json:"tenant,omitempty"`
	IncidentID string    `json:"incidentId,omitempty"`
	Title      string    `json:"title,omitempty"`
	Body       string    `json:"body,omitempty"`
	CreatedAt  time.Time `json:"createdAt,omitzero"`
}

// SimulatedTracker is the name of the tracker that opens no real tickets.
const SimulatedTracker = "simulated"

// Simulated reports that no real ticket was opened.
func (t Ticket) Simulated() bool { return t.Tracker == SimulatedTracker }
