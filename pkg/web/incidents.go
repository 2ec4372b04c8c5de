package web

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/opsguard/opsguard/pkg/body"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Sizes of a page.
const (
	defaultLimit = 50
	maxLimit     = 100
)

type listView struct {
	Incidents  []incidentView `json:"incidents"`
	NextCursor *string        `json:"nextCursor"`
	Damaged    []string       `json:"damaged"` // incidents of this part whose records cannot be read
}

// list is GET /incidents.
func (s *server) list(x *exchange) error {
	sent, err := x.query()
	if err != nil {
		return err
	}
	q := steps.ListQuery{Tenant: incident.DefaultTenant, Service: sent["service"], Cursor: sent["cursor"]}
	if status := sent["status"]; status != "" {
		if q.Status, err = incident.ParseStatus(status); err != nil {
			return err
		}
	}
	if utf8.RuneCountInString(q.Service) > incident.MaxService {
		return incident.BadField("service", "has more than %d characters, which no service has", incident.MaxService)
	}
	if q.Limit, err = parseLimit(sent); err != nil {
		return err
	}
	page, err := s.Read.List(x.r.Context(), q)
	if err != nil {
		return err
	}
	v := listView{Incidents: make([]incidentView, 0, len(page.Incidents)), NextCursor: orNull(page.NextCursor), Damaged: list(page.Damaged)}
	for _, inc := range page.Incidents {
		v.Incidents = append(v.Incidents, viewIncident(inc, s.Now()))
	}
	return x.json(http.StatusOK, v)
}

func parseLimit(sent body.Values) (int, error) {
	text := sent["limit"]
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, incident.BadField("limit", "must be a whole number from 1 to %d", maxLimit)
	}
	return n, nil
}

// incident is GET /incidents/{id}.
func (s *server) incident(x *exchange) error {
	ref, err := refOf(x.r.PathValue("id"))
	if err != nil {
		return err
	}
	inc, err := s.Read.Incident(x.r.Context(), ref)
	if err != nil {
		return err
	}
	v := viewIncident(inc, s.Now())
	latest, err := s.Read.Latest(x.r.Context(), ref)
	if err != nil {
		return err
	}
	v.LatestEvidence = viewLatest(latest)
	flow, err := s.Read.Flood(x.r.Context(), inc)
	if err != nil {
		return err
	}
	v.Flood = viewFlood(flow)
	return x.json(http.StatusOK, v)
}

type auditView struct {
	Events      []eventView `json:"events"`
	Valid       bool        `json:"valid"`
	FirstBadSeq *int64      `json:"firstBadSeq"`
}

// audit is GET /incidents/{id}/audit: the trail, recomputed against the head that
// the incident holds.
func (s *server) audit(x *exchange) error {
	ref, err := refOf(x.r.PathValue("id"))
	if err != nil {
		return err
	}
	inc, events, err := s.Read.Audit(x.r.Context(), ref)
	if err != nil {
		return err
	}
	v := auditView{Events: viewEvents(events), Valid: true}
	if bad := incident.VerifyChain(inc, events); bad != nil {
		v.Valid, v.FirstBadSeq = false, &bad.Seq
	}
	return x.json(http.StatusOK, v)
}
