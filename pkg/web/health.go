package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

type healthView struct {
	Status  string `json:"status"`
	Version string `json:"version"`
	Store   string `json:"store"`
}

// Degraded is the error of a store that works and has lost something: alerts are
// accepted, and somebody has to look. It says what, in words for anybody.
type Degraded string

func (d Degraded) Error() string { return string(d) }

// pingTime bounds how long a health check waits for the store; whoever asks has
// often less patience than that.
const pingTime = 2 * time.Second

// healthz is GET /healthz, which needs no key.
func (s *server) healthz(x *exchange) error {
	ctx, cancel := context.WithTimeout(x.r.Context(), pingTime)
	defer cancel()
	err := s.Health.Ping(ctx)
	var degraded Degraded
	var known *incident.Error
	switch {
	case err == nil:
		return x.json(http.StatusOK, healthView{"ok", s.Version, "ok"})
	case errors.As(err, &degraded):
		return x.json(http.StatusOK, healthView{"degraded", s.Version, degraded.Error()})
	}
	x.err = err
	store := "unavailable"
	if errors.As(err, &known) { // its message is made to be shown
		store = known.Message
	}
	return x.json(http.StatusServiceUnavailable, healthView{"unavailable", s.Version, store})
}
