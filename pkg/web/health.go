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

const indexText = `OpsGuard: nothing is changed before a person approves it.

POST /ingest-alert                   {serverName, errorLogs, severity?, timestamp?, dedupKey?}
GET  /approve-fix?incidentId=ID      [&action=approve, escalate or resolve]
POST /approve-fix                    {incidentId, action, note?, planHash?}
GET  /incidents                      ?status=&service=&limit=&cursor=
GET  /incidents/ID
GET  /incidents/ID/audit
GET  /healthz
`

const ticketsText = `GET  /tickets                        ?limit=&cursor=  (the simulated tracker)
GET  /tickets/KEY
`

// index is GET /, for whoever opens the address to see what it is.
func (s *server) index(x *exchange) error {
	text := indexText
	if s.Tickets != nil {
		text += ticketsText
	}
	return x.send(http.StatusOK, "text/plain; charset=utf-8", []byte(text))
}
