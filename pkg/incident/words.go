package incident

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Status is where an incident stands in its life.
type Status string

const (
	Detected           Status = "DETECTED"
	WaitingForApproval Status = "WAITING_FOR_APPROVAL"
	ExecutingFix       Status = "EXECUTING_FIX"
	Resolved           Status = "RESOLVED"
	Escalated          Status = "ESCALATED"
)

// statuses lists every status in the order of life.
var statuses = [...]Status{Detected, WaitingForApproval, ExecutingFix, Resolved, Escalated}

// ParseStatus refuses anything but the five statuses, in their spelling.
func ParseStatus(s string) (Status, error) {
	for _, k := range statuses {
		if string(k) == s {
			return k, nil
		}
	}
	return "", BadField("status", "must be one of DETECTED, WAITING_FOR_APPROVAL, EXECUTING_FIX, RESOLVED, ESCALATED")
}

// Final reports whether the workflow has ended. RESOLVED stays for good; ESCALATED may
// still become RESOLVED, when a person or the alert's source says that the trouble is over.
func (s Status) Final() bool { return s == Resolved || s == Escalated }

// transitions is the whole life of an incident; the empty status is "not there yet".
var transitions = map[Status][]Status{
	"":                 {Detected},
	Detected:           {WaitingForApproval, Escalated},
	WaitingForApproval: {ExecutingFix, Resolved, Escalated},
	ExecutingFix:       {Resolved, Escalated},
	Escalated:          {Resolved},
}

// CanBecome reports whether the life of an incident has a step from s to next.
func (s Status) CanBecome(next Status) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// OpenStatuses are the statuses in which an incident still waits for something, in the
// order of life. They follow from the transitions, so that none can be forgotten.
func OpenStatuses() []Status {
	var open []Status
	next := slices.Clone(transitions[""])
	for len(next) > 0 {
		s := next[0]
		next = next[1:]
		if s.Final() || slices.Contains(open, s) {
			continue
		}
		open = append(open, s)
		next = append(next, transitions[s]...)
	}
	return open
}

// Severity is how bad the sender says it is.
type Severity string

const (
	Critical Severity = "critical"
	High     Severity = "high" // the default
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// ParseSeverity refuses anything but the four severities; "" is High.
func ParseSeverity(s string) (Severity, error) {
	switch v := Severity(s); v {
	case "":
		return High, nil
	case Critical, High, Medium, Low:
		return v, nil
	}
	return "", BadField("severity", "must be critical, high, medium or low")
}

// Above reports whether s is worse than other.
func (s Severity) Above(other Severity) bool { return s.rank() > other.rank() }

func (s Severity) rank() int {
	return slices.Index([]Severity{Low, Medium, High, Critical}, s)
}

// Action is what a person can decide.
type Action string

const (
	Approve  Action = "approve"
	Escalate Action = "escalate"
	Resolve  Action = "resolve"
)

// ParseAction refuses anything but the three actions.
func ParseAction(s string) (Action, error) {
	switch a := Action(s); a {
	case Approve, Escalate, Resolve:
		return a, nil
	}
	return "", BadField("action", "must be approve, escalate or resolve")
}

// Reason is why an incident was escalated. The set is closed.
type Reason string

const (
	ReasonChosen              Reason = "chosen"
	ReasonApprovalTimeout     Reason = "approval_timeout"
	ReasonApprovalStale       Reason = "approval_stale"
	ReasonPlanStale           Reason = "plan_stale"
	ReasonTargetBusy          Reason = "target_busy"
	ReasonExecutionStopped    Reason = "execution_stopped" // by the kill switch, a freeze window or the breaker
	ReasonFixFailed           Reason = "fix_failed"
	ReasonFixUnverified       Reason = "fix_unverified"
	ReasonFixUnknown          Reason = "fix_unknown"
	ReasonDecisionUndelivered Reason = "decision_undelivered"
	ReasonStepFailed          Reason = "step_failed"

	// refusalRecovered is a reason not to act that does not end in escalation:
	// the source reported recovery between approval and claim.
	refusalRecovered Reason = "recovered"
)

// Actor says who did something: System, Local, KeyActor, LinkActor, SourceActor.
type Actor string

const (
	System Actor = "system" // a step of the workflow, or reconcile
	Local  Actor = "local"  // somebody on the loopback interface, in keyless mode
)

// KeyActor is the holder of the operator key of that name.
func KeyActor(name string) Actor { return Actor("key:" + name) }

// MaxKeyName bounds the name of an operator key, in bytes.
const MaxKeyName = 64

// ValidKeyName holds the name of an operator key to what is read without doubt in a
// log, an audit trail and a chat message.
func ValidKeyName(name string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-"
	return name != "" && len(name) <= MaxKeyName && strings.Trim(name, allowed) == ""
}

// LinkActor is the person who followed a decision link sent to that channel.
func LinkActor(channel string) Actor { return Actor("link:" + channel) }

// SourceActor is the system that sends alerts under that name.
func SourceActor(name string) Actor { return Actor("source:" + name) }

// IsLink reports whether the actor is known by a link only.
func (a Actor) IsLink() bool { return strings.HasPrefix(string(a), "link:") }

// DefaultTenant is the only tenant until there are several.
const DefaultTenant = "default"

// Ref names an incident: its tenant and its id, "INC-" and a ULID.
type Ref struct {
	Tenant string `json:"tenant"`
	ID     string `json:"incidentId"`
}

func (r Ref) String() string { return r.Tenant + "/" + r.ID }

const idPrefix = "INC-"

// ValidID reports whether id is well formed: INC- and 26 characters of
// Crockford's base 32 in upper case, the first at most 7 (a ULID's 128 bits).
func ValidID(id string) bool {
	u, ok := strings.CutPrefix(id, idPrefix)
	if !ok || len(u) != 26 || u[0] > '7' {
		return false
	}
	return strings.Trim(u, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == ""
}

// IDFromULID makes an incident id of a ULID's 26 characters.
func IDFromULID(ulid string) string { return idPrefix + ulid }

// Stamp rounds to what is stored and shown: UTC, whole milliseconds.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// TimeFormat is RFC 3339 in UTC with milliseconds, always three digits.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// FormatTime writes a time as everything OpsGuard shows does.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeFormat) }

// Cut shortens s to at most n bytes at a rune's border.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
