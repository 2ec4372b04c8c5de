package web

import (
	"net/http"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

type ingestedView struct {
	Success    bool    `json:"success"`
	IncidentID *string `json:"incidentId"`
	Status     *string `json:"status"`
	Duplicate  bool    `json:"duplicate"`
	Message    string  `json:"message"`
}

// ingest is POST /ingest-alert. Its 202 is a promise: the alert is on disk.
func (s *server) ingest(x *exchange) error {
	if _, err := x.query(); err != nil {
		return err
	}
	_, raw, err := x.body()
	if err != nil {
		return err
	}
	batch, err := s.Alerts.Parse(x.r.Context(), steps.Request{Header: x.r.Header, Body: raw})
	if err != nil {
		return err
	}
	done, err := s.Ingest.Handle(x.r.Context(), steps.IngestInput{Alert: batch.Alerts[0], By: x.by})
	if err != nil {
		return err
	}
	if done.IncidentID != "" {
		x.Header().Set("Location", s.PublicURL.Path("/incidents/"+done.IncidentID))
	}
	return x.json(http.StatusAccepted, ingestedView{
		Success: true, IncidentID: orNull(done.IncidentID), Status: orNull(string(done.Status)),
		Duplicate: done.Duplicate, Message: ingestMessage(done),
	})
}

func ingestMessage(done steps.Ingested) string {
	switch {
	case done.IncidentID == "":
		return "No open incident matches; there was nothing to do."
	case done.Duplicate && done.Status == incident.Escalated:
		return "Counted as one more occurrence of an incident that was escalated. Its ticket is told, and nobody is asked anew."
	case done.Duplicate:
		return "Counted as one more occurrence of an open incident."
	case done.Status == incident.Detected:
		return "A new incident is being analysed. Nothing is changed before a person approves it."
	}
	return "The alert was taken."
}
