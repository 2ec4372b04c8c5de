package gemini

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/generative-ai-go/genai"

	"github.com/opsguard/opsguard/pkg/incident"
)

// explain sorts what went wrong. ctx is the caller's, without the question's own
// timeout. No error of the library's is kept: it may hold the whole answer.
func (a *Analyst) explain(ctx context.Context, err error) error {
	var status statusError
	var blocked *genai.BlockedError
	var network *url.Error
	var key keyError
	switch {
	case errors.As(err, &key):
		return incident.Unavail("Gemini was not asked", key.error)
	case errors.As(err, &status):
		return status.explain()
	case errors.Is(err, errTooLarge):
		return unusable("it is over %d KiB", maxBody>>10)
	case ctx.Err() != nil:
		return incident.Unavail("the question to Gemini was given up", ctx.Err())
	case errors.Is(err, context.DeadlineExceeded):
		return incident.Unavail(fmt.Sprintf("Gemini did not answer within %s", a.timeout), nil)
	case errors.As(err, &blocked):
		return unusable("blocked, %s", why(blocked))
	case errors.Is(err, errPanic):
		return unusable("%s", errPanic)
	case errors.As(err, &network):
		return incident.Unavail("Gemini could not be reached", network.Err)
	}
	return unusable("it is not in the form of Gemini's API")
}

// explain says what to do about a status.
func (e statusError) explain() error {
	says := func(kind incident.Kind, code incident.Code, what string) error {
		return incident.Fail(kind, code, "%s: %s", e.Error(), what)
	}
	refused := func(what string) error { return says(incident.Invalid, incident.CodeInvalid, what) }
	later := func(what string) error { return says(incident.Unavailable, incident.CodeUnavailable, what) }
	switch {
	case e.status == http.StatusTooManyRequests:
		return later("over quota")
	case e.status == http.StatusRequestTimeout, e.status >= 500:
		return later("it is not available")
	case e.status == http.StatusUnauthorized, e.status == http.StatusForbidden, strings.Contains(e.code, "API_KEY"):
		return refused("the key is not accepted; check GEMINI_API_KEY")
	case e.status == http.StatusNotFound:
		return refused("there is no such model; set GEMINI_MODEL")
	case e.status >= 300 && e.status < 400:
		return refused("a redirect, which is not followed; check GEMINI_ENDPOINT")
	}
	return refused("it refused the question; check GEMINI_MODEL")
}

// why says what blocked an answer, in the API's words.
func why(b *genai.BlockedError) string {
	switch {
	case b.Candidate != nil && b.Candidate.FinishReason == genai.FinishReasonSafety:
		return "SAFETY"
	case b.Candidate != nil && b.Candidate.FinishReason == genai.FinishReasonRecitation:
		return "RECITATION"
	case b.PromptFeedback != nil && b.PromptFeedback.BlockReason == genai.BlockReasonSafety:
		return "the question, for SAFETY"
	}
	return "the question"
}
