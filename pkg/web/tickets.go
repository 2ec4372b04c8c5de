package web

import (
	"net/http"

	"github.com/opsguard/opsguard/pkg/incident"
)

type ticketView struct {
	Key        string `json:"key"`
	IncidentID string `json:"incidentId"`
	Title      string `json:"title"`
	Body       string `json:"body"`
	CreatedAt  string `json:"createdAt"`
}

type ticketsView struct {
	Tickets    []ticketView `json:"tickets"`
	NextCursor *string      `json:"nextCursor"`
}

func viewTicket(t incident.Ticket) ticketView {
	return ticketView{t.Key, t.IncidentID, t.Title, t.Body, incident.FormatTime(t.CreatedAt)}
}

// tickets is GET /tickets.
func (s *server) tickets(x *exchange) error {
	sent, err := x.query()
	if err != nil {
		return err
	}
	limit, err := parseLimit(sent)
	if err != nil {
		return err
	}
	tickets, next, err := s.Tickets.Tickets(x.r.Context(), incident.DefaultTenant, limit, sent["cursor"])
	if err != nil {
		return err
	}
	v := ticketsView{Tickets: make([]ticketView, 0, len(tickets)), NextCursor: orNull(next)}
	for _, t := range tickets {
		v.Tickets = append(v.Tickets, viewTicket(t))
	}
	return x.json(http.StatusOK, v)
}

// maxTicketKey is far above what the tracker makes; more need not reach it.
const maxTicketKey = 128

// ticket is GET /tickets/{key}.
func (s *server) ticket(x *exchange) error {
	key := x.r.PathValue("key")
	if len(key) > maxTicketKey {
		return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no such ticket")
	}
	t, err := s.Tickets.Ticket(x.r.Context(), incident.DefaultTenant, key)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, viewTicket(t))
}
