package web

import (
	"context"
	"net/http"
	"time"
)

type healthView struct {
	Status  string `json:"status"`
	Version string `json:"version"`
	Store   string `json:"store"`
}

// pingTime bounds how long a health check waits for the store; whoever asks has
// often less patience than that.
const pingTime = 2 * time.Second

// healthz is GET /healthz, which needs no key.
func (s *server) healthz(x *exchange) error {
	ctx, cancel := context.WithTimeout(x.r.Context(), pingTime)
	defer cancel()
	if err := s.Health.Ping(ctx); err != nil {
		x.err = err
		return x.json(http.StatusServiceUnavailable, healthView{"unavailable", s.Version, "unavailable"})
	}
	return x.json(http.StatusOK, healthView{"ok", s.Version, "ok"})
}
