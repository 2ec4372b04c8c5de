package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/opsguard/opsguard/pkg/incident"
)

// problem is RFC 9457 problem+json. Type is a stable slug, Title says the same in
// words, Detail is about this very request.
type problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail"`
	Field  *string `json:"field"`
}

// decidedProblem tells, beside the refusal, which decision stands.
type decidedProblem struct {
	problem
	Decision incident.Action `json:"decision"`
	By       incident.Actor  `json:"by"`
	At       string          `json:"at"`
}

// refusal is an error of HTTP itself, which the domain has no word for.
type refusal struct {
	status int
	slug   string
	detail string
	allow  string // the Allow header of a 405

	retryAfter int // the Retry-After header, in seconds; 0 for none
}

func (r *refusal) Error() string { return r.detail }

const (
	slugUnauthorized    = "unauthorized"
	slugMethod          = "method-not-allowed"
	slugTooLarge        = "too-large"
	slugUnsupported     = "unsupported-media-type"
	slugTooManyFailures = "too-many-failures"
	slugInternal        = "internal"
	slugNotFound        = string(incident.CodeNotFound)
	retryAfterSeconds   = "2" // as the message of not-waiting says
)

// titleOf has every slug that can be seen from outside.
func titleOf(slug string) string {
	switch slug {
	case slugUnauthorized:
		return "A credential is needed"
	case slugInternal:
		return "Internal error"
	case slugTooManyFailures:
		return "Too many wrong keys or links"
	case slugMethod:
		return "Method not allowed"
	case slugTooLarge:
		return "The body is too large"
	case slugUnsupported:
		return "The content type is not supported"
	case slugNotFound:
		return "Not found"
	case string(incident.CodeInvalid):
		return "The request is not valid"
	case string(incident.CodeForbidden):
		return "Not allowed"
	case string(incident.CodeUnavailable), string(incident.CodeVersion):
		return "Not available at the moment"
	case string(incident.CodeNotWaiting):
		return "Nobody has been asked yet"
	case string(incident.CodeNoFix):
		return "There is no fix to approve"
	case string(incident.CodeChoosePlan):
		return "One of several fixes must be chosen"
	case string(incident.CodeAlreadyDecided):
		return "Already decided"
	case string(incident.CodePlanChanged):
		return "The plan is another one"
	case string(incident.CodeClosed):
		return "The incident is closed"
	case string(incident.CodeExpired):
		return "The time to decide is over"
	}
	return "Not possible now"
}

// statusOf is the map from the domain's errors to HTTP.
func statusOf(e *incident.Error) int {
	if e.Code == incident.CodeVersion { // others kept writing; it says nothing about this request
		return http.StatusServiceUnavailable
	}
	switch e.Kind {
	case incident.Invalid:
		return http.StatusBadRequest
	case incident.Forbidden:
		return http.StatusForbidden
	case incident.NotFound:
		return http.StatusNotFound
	case incident.Conflict:
		return http.StatusConflict
	case incident.Expired:
		return http.StatusGone
	case incident.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// slugOf falls back on the kind for an error made without a code.
func slugOf(e *incident.Error) string {
	if e.Code != "" {
		return string(e.Code)
	}
	switch e.Kind {
	case incident.Invalid:
		return string(incident.CodeInvalid)
	case incident.Forbidden:
		return string(incident.CodeForbidden)
	case incident.NotFound:
		return string(incident.CodeNotFound)
	case incident.Expired:
		return string(incident.CodeExpired)
	case incident.Unavailable:
		return string(incident.CodeUnavailable)
	}
	return "conflict"
}

// problemOf words an error for the outside. Only messages that were made for it
// get out; what an error wraps is for the log.
func problemOf(err error) problem {
	var p problem
	var ours *refusal
	var known *incident.Error
	switch {
	case errors.As(err, &ours):
		p = problem{Type: ours.slug, Status: ours.status, Detail: ours.detail}
	case errors.As(err, &known) && statusOf(known) != http.StatusInternalServerError:
		p = problem{Type: slugOf(known), Status: statusOf(known), Detail: known.Message}
		if known.Field != "" {
			p.Field, p.Detail = &known.Field, known.Field+" "+known.Message
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p = problem{Type: string(incident.CodeUnavailable), Status: http.StatusServiceUnavailable, Detail: "it took too long; send the request again"}
	default:
		p = problem{Type: slugInternal, Status: http.StatusInternalServerError,
			Detail: "something went wrong here; the log has it under this answer's X-Request-Id"}
	}
	p.Title = titleOf(p.Type)
	return p
}

// setProblemHeaders adds what a status needs beside its body.
func setProblemHeaders(h http.Header, err error, p problem) {
	switch {
	case p.Status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="opsguard"`)
	case p.Status == http.StatusServiceUnavailable, p.Type == string(incident.CodeNotWaiting):
		h.Set("Retry-After", retryAfterSeconds)
	}
	var r *refusal
	if !errors.As(err, &r) {
		return
	}
	if r.allow != "" {
		h.Set("Allow", r.allow)
	}
	if r.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(r.retryAfter))
	}
}
