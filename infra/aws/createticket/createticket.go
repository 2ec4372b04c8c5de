// Package createticket opens the step that opens an incident's ticket. By then a
// decision stands, so the ticket's link only shows: the step needs no key.
package createticket

import (
	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/people"
	"github.com/opsguard/opsguard/infra/aws/records"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket"
)

// Open binds create-ticket.
func Open(f aws.Function, store *dynamo.Store) (steps.CreateTicket, error) {
	view, err := people.OpenViewer()
	if err != nil {
		return steps.CreateTicket{}, err
	}
	tracker, err := ticket.Open(ticket.Settings{PublicURL: view.URL.String(), Now: f.Now}, records.Tickets{Store: store})
	return steps.CreateTicket{Store: store, Tracker: tracker, Links: view, Now: f.Now, Log: f.Log}, err
}
