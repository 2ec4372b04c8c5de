package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// recovered answers for a handler that panicked, if nothing was answered yet.
func (s *server) recovered(x *exchange, broken any) {
	if broken == http.ErrAbortHandler {
		return
	}
	s.Log.ErrorContext(x.r.Context(), "a handler panicked", "requestId", x.id, "panic", fmt.Sprint(broken), "stack", string(debug.Stack()))
	err := fmt.Errorf("panic: %v", broken)
	if x.status != 0 {
		x.failing(err)
		return
	}
	x.fail(err)
}

// logRequest writes the request's one line. It has the route instead of the
// path, and never the query or a header: those may hold a link's token or a key. Nor
// has it a method or a field's name that is not one of ours, for the same reason.
func (s *server) logRequest(x *exchange, began time.Time) {
	ctx := x.r.Context()
	level := levelOf(x)
	if !s.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("requestId", x.id),
		slog.String("method", knownMethod(x.r.Method)),
		slog.String("route", x.route),
		slog.Int("status", x.status),
		slog.Float64("tookMs", float64(s.Now().Sub(began).Microseconds())/1000),
		slog.String("by", string(x.by)))
	if x.slug != "" {
		attrs = append(attrs, slog.String("problem", x.slug))
	}
	if x.err != nil {
		if field := problemOf(x.err).Field; field != nil {
			attrs = append(attrs, slog.String("field", x.knownField(*field)))
		}
	}
	switch {
	case refusesWho(x.status):
		attrs = append(attrs, slog.String("remote", x.r.RemoteAddr), slog.String("reason", whyRefused(x.err)))
	case x.status >= http.StatusInternalServerError && x.err != nil:
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	s.Log.LogAttrs(ctx, level, "request", attrs...)
}

// whyRefused is what the caller was told and, for the log only, why. A sender is told
// nothing, so the person who configured it finds here what to change.
func whyRefused(err error) string {
	reason := problemOf(err).Detail
	var known *incident.Error
	if errors.As(err, &known) && known.Kind == incident.Forbidden && known.Err != nil {
		reason += ": " + incident.Cut(known.Err.Error(), maxReason)
	}
	return reason
}

// maxReason bounds the cause of a refusal in the log, in bytes.
const maxReason = 512

// refusesWho reports whether a status is about who called.
func refusesWho(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests
}

// levelOf keeps calls that went well out of the usual log: what they changed has
// a line of its own (incident opened, decision stands), and the rest is polling.
func levelOf(x *exchange) slog.Level {
	switch {
	case x.status >= http.StatusInternalServerError:
		return slog.LevelError
	case x.quiet:
		return slog.LevelDebug
	case refusesWho(x.status):
		return slog.LevelWarn
	case x.status < http.StatusBadRequest:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// unknownWord stands in the log for what a caller made up.
const unknownWord = "other"

// knownMethod is the method, if it is one of HTTP's.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
		http.MethodTrace, http.MethodConnect:
		return m
	}
	return unknownWord
}

// knownField is the name of a field, if the route has it.
func (x *exchange) knownField(name string) string {
	if x.at != nil && (slices.Contains(x.at.query, name) || slices.Contains(x.at.body, name)) {
		return name
	}
	return unknownWord
}
