package incident

import (
	"errors"
	"fmt"
	"time"
)

// Kind sorts errors by what a caller can do about them. It is the whole error
// vocabulary of the product: HTTP statuses, the state machine's error names and
// retries are all derived from it.
type Kind string

const (
	// NotFound: there is no such incident (or wait, or execution).
	NotFound Kind = "NotFound"
	// Conflict: the record does not allow it now. Code says why.
	Conflict Kind = "Conflict"
	// Invalid: what was sent is wrong. Field names the part.
	Invalid Kind = "Invalid"
	// Forbidden: the caller may not.
	Forbidden Kind = "Forbidden"
	// Expired: it was allowed until a time that has passed.
	Expired Kind = "Expired"
	// Unavailable: something outside failed; repeating later may work.
	Unavailable Kind = "Unavailable"
)

// Code is a stable slug, the last part of a problem+json type.
type Code string

const (
	CodeNotFound       Code = "not-found"
	CodeInvalid        Code = "invalid"
	CodeForbidden      Code = "forbidden"
	CodeUnavailable    Code = "unavailable"
	CodeVersion        Code = "version-conflict" // somebody else wrote first: load again and redo
	CodeDuplicate      Code = "duplicate"        // an open incident holds this fingerprint
	CodeLapsed         Code = "lapsed"           // the incident of this fingerprint was escalated too long ago to be joined
	CodeTargetBusy     Code = "target-busy"      // another fix holds the target; nothing was changed
	CodeClosed         Code = "closed"           // the incident is RESOLVED or ESCALATED
	CodeTransition     Code = "bad-transition"   // the status does not allow this step
	CodeNotWaiting     Code = "not-waiting"      // still DETECTED: nobody has been asked yet
	CodeNoFix          Code = "no-fix"           // a manual review: nothing to approve
	CodeChoosePlan     Code = "choose-plan"      // a manual review: a candidate must be named by its hash
	CodeAlreadyDecided Code = "already-decided"  // another decision stands
	CodePlanChanged    Code = "plan-changed"     // the caller decided on another plan
	CodeExpired        Code = "expired"          // past the deadline
	CodeNotApproved    Code = "not-approved"     // no approval of exactly this plan
	CodeApprovalStale  Code = "approval-stale"   // approved too long ago to act on
	CodePlanStale      Code = "plan-stale"       // the plan no longer resolves to the same thing
	CodeRecovered      Code = "recovered"        // the source reported recovery
	CodeNotStarted     Code = "not-started"      // the store failed before this call had claimed anything
	CodeRefused        Code = "fix-refused"      // execute-fix already refused this plan
	CodeAlreadyClaimed Code = "already-claimed"  // an attempt was started before
	CodeStopped        Code = "stopped"          // the kill switch, a freeze window or the breaker lets no fix begin
	CodeTokenOlder     Code = "older-token"      // a newer task token is stored
	CodeTaskClosed     Code = "task-closed"      // the workflow no longer waits on this task token
)

// Error is every error the rules return. Message is fit to be shown to whoever
// asked; Err, if any, is for the log only.
type Error struct {
	Kind    Kind
	Code    Code
	Field   string // the offending field, when one is to blame
	Message string
	Holder  string // with CodeTargetBusy: the incident whose fix holds the target, or a place in the group
	Group   string // with CodeTargetBusy: the group that has no place; "": the target itself is held
	// Wait is how long the other side asked not to be called again; 0 if it did not say.
	Wait time.Duration
	Err  error
}

func (e *Error) Error() string {
	s := e.Message
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Fail makes an Error without a cause.
func Fail(kind Kind, code Code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Busy is a store's answer to a Change that takes a target which another incident's
// fix holds.
func Busy(holder Ref) *Error {
	return &Error{Kind: Conflict, Code: CodeTargetBusy, Holder: holder.ID, Message: "the fix of " + holder.ID + " holds this target"}
}

// NobodyHolds is NotFound: no incident holds a fingerprint.
func NobodyHolds() error { return Fail(NotFound, CodeNotFound, "no incident holds this fingerprint") }

// Lapsed is NotFound, with CodeLapsed: the incident that holds a fingerprint is not to be
// joined any more.
func Lapsed() error {
	return Fail(NotFound, CodeLapsed, "the incident that holds this fingerprint was escalated long ago")
}

// HolderOf returns who holds the target that err found busy, "" if err does not say.
func HolderOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Holder
	}
	return ""
}

// GroupOf returns which group err found full, "" if it is not about one.
func GroupOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Group
	}
	return ""
}

// Limited is Unavailable for a time that the other side has said.
func Limited(doing string, wait time.Duration) *Error {
	return &Error{Kind: Unavailable, Code: CodeUnavailable, Message: doing, Wait: wait}
}

// WaitOf returns how long the other side asked not to be called again, 0 if err does
// not say.
func WaitOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.Wait
	}
	return 0
}

// BadField is Invalid, blaming one field.
func BadField(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Code: CodeInvalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Bad is Invalid, blaming no one field.
func Bad(format string, args ...any) *Error { return Fail(Invalid, CodeInvalid, format, args...) }

// Unavail wraps a failure of something outside that is worth retrying.
func Unavail(doing string, err error) *Error {
	return &Error{Kind: Unavailable, Code: CodeUnavailable, Message: doing, Err: err}
}

// KindOf returns the kind of the first Error in err's chain, "" if there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// CodeOf returns the code of the first Error in err's chain, "" if there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
