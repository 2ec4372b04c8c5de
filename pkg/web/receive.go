package web

import (
	"maps"
	"net/http"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

type receivedView struct {
	Success bool           `json:"success"`
	Again   bool           `json:"again"` // the same signed request was taken before; nothing was done
	Alerts  []takenView    `json:"alerts"`
	Refused []refusedAlert `json:"refused"`
}

// takenView is one alert of a batch that was taken.
type takenView struct {
	IncidentID *string `json:"incidentId"`
	Status     *string `json:"status"`
	Duplicate  bool    `json:"duplicate"`
}

// refusedAlert is one alert of a batch that was not.
type refusedAlert struct {
	Detail string  `json:"detail"`
	Field  *string `json:"field"`
}

// receive is POST /ingest/{source}: a sender that services.yaml lists sends in its
// own form, signed in its own way. To whoever is not that sender the answer is bare:
// it has a status and no body.
func (s *server) receive(x *exchange) error {
	if s.Receive == nil {
		return x.bare(http.StatusNotFound)
	}
	room := largePlace{turns: s.large}
	defer room.giveBack()
	raw, err := x.rawIn(steps.MaxRequest, &room)
	if err != nil {
		return err
	}
	done, err := s.Receive.Handle(x.r.Context(), x.r.PathValue("source"), steps.Request{Header: x.r.Header, Body: raw})
	switch incident.KindOf(err) {
	case incident.NotFound:
		return x.bare(http.StatusNotFound)
	case incident.Forbidden:
		p := x.failing(s.failed(x, err))
		if p.Status == http.StatusTooManyRequests {
			setProblemHeaders(x.Header(), x.err, p)
			return x.bare(p.Status)
		}
		return x.bare(http.StatusUnauthorized)
	}
	if err != nil {
		return err
	}
	x.by = done.By
	return x.json(http.StatusAccepted, viewReceived(done))
}

// consent is OPTIONS /ingest/{source}: a sender asks whether it may send. It has proved
// nothing yet, and learns what it would learn by sending: whether there is such a source.
func (s *server) consent(x *exchange) error {
	if s.Receive == nil {
		return x.bare(http.StatusNotFound)
	}
	granted, err := s.Receive.Consent(x.r.PathValue("source"), steps.Request{Header: x.r.Header})
	switch {
	case incident.KindOf(err) == incident.NotFound:
		return x.bare(http.StatusNotFound)
	case err != nil:
		return err
	case granted == nil:
		return &refusal{status: http.StatusMethodNotAllowed, slug: slugMethod, allow: http.MethodPost,
			detail: "this source takes POST; its senders do not ask"}
	}
	maps.Copy(x.Header(), granted)
	x.Header().Set("Allow", http.MethodOptions+", "+http.MethodPost)
	return x.bare(http.StatusOK)
}

func viewReceived(done steps.Received) receivedView {
	v := receivedView{Success: true, Again: done.Again, Alerts: make([]takenView, 0, len(done.Taken)), Refused: make([]refusedAlert, 0, len(done.Refused))}
	for _, t := range done.Taken {
		v.Alerts = append(v.Alerts, takenView{orNull(t.IncidentID), orNull(string(t.Status)), t.Duplicate})
	}
	for _, err := range done.Refused {
		p := problemOf(err)
		v.Refused = append(v.Refused, refusedAlert{p.Detail, p.Field})
	}
	return v
}

// bare answers with a status alone.
func (x *exchange) bare(status int) error {
	x.Header().Set("Content-Length", "0")
	x.WriteHeader(status)
	return nil
}
