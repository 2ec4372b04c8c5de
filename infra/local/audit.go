package local

import (
	"context"
	"fmt"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// AuditQuery names the incidents whose trails are to be checked.
type AuditQuery struct {
	All bool     `json:"all"`
	IDs []string `json:"ids"` // beside All they are not needed
}

// AuditReport is what a check of audit trails found.
type AuditReport struct {
	Checked   int         `json:"checked"` // trails that were recomputed, good and bad
	Bad       []BadTrail  `json:"bad"`
	Unchecked []Unchecked `json:"unchecked"`
}

// BadTrail is a trail that does not match its incident, and the first event that
// shows it.
type BadTrail struct {
	IncidentID string `json:"incidentId"`
	Seq        int64  `json:"seq"`
	Why        string `json:"why"`
}

// Unchecked is an incident whose trail could not be read.
type Unchecked struct {
	IncidentID string `json:"incidentId"`
	Why        string `json:"why"`
}

// auditor checks trails against the records that they belong to.
type auditor struct {
	store interface {
		steps.Loader
		steps.Lister
		steps.Trail
		steps.EvidenceReader
	}
}

// auditPage is how many records are read at a time.
const auditPage = 100

// verify checks every incident that is asked for. It fails only where it cannot
// tell which there are.
func (a auditor) verify(ctx context.Context, q AuditQuery) (AuditReport, error) {
	report := AuditReport{Bad: []BadTrail{}, Unchecked: []Unchecked{}}
	if !q.All {
		for _, id := range q.IDs {
			a.add(ctx, &report, id)
		}
		return report, ctx.Err()
	}
	list := steps.ListQuery{Tenant: tenant, Limit: auditPage}
	for {
		page, err := a.store.List(ctx, list)
		if err != nil {
			return report, err
		}
		for _, inc := range page.Incidents {
			a.add(ctx, &report, inc.ID)
		}
		if list.Cursor = page.NextCursor; list.Cursor == "" || ctx.Err() != nil {
			return report, ctx.Err()
		}
	}
}

func (a auditor) add(ctx context.Context, report *AuditReport, id string) {
	if !incident.ValidID(id) {
		report.Unchecked = append(report.Unchecked, Unchecked{id, "it is not an incident's id"})
		return
	}
	inc, events, err := a.snapshot(ctx, incident.Ref{Tenant: tenant, ID: id})
	if err != nil {
		report.Unchecked = append(report.Unchecked, Unchecked{id, err.Error()})
		return
	}
	evidence, err := a.store.Evidence(ctx, inc.Ref) // written once, so that any moment will do
	if err != nil && incident.KindOf(err) != incident.NotFound {
		report.Unchecked = append(report.Unchecked, Unchecked{id, err.Error()})
		return
	}
	report.Checked++
	bad := incident.VerifyChain(inc, events)
	if bad == nil {
		bad = contradicted(inc, evidence, events)
	}
	if bad != nil {
		report.Bad = append(report.Bad, BadTrail{id, bad.Seq, bad.Why})
	}
}

// maxMoves bounds how often an incident may change while it is read.
const maxMoves = 100

// snapshot reads a record and its trail as of one moment: an event and the
// version that it makes are written together, so if the version is the same
// before and after, nothing was added in between. What then stands beyond the
// record's head was not put there by OpsGuard.
func (a auditor) snapshot(ctx context.Context, ref incident.Ref) (incident.Incident, []incident.Event, error) {
	before, err := a.store.Load(ctx, ref)
	for range maxMoves {
		if err != nil {
			return before, nil, err
		}
		events, err := a.store.Events(ctx, ref)
		if err != nil {
			return before, nil, err
		}
		after, err := a.store.Load(ctx, ref)
		if err != nil || after.Version == before.Version {
			return after, events, err
		}
		before = after
	}
	return before, nil, fmt.Errorf("it changed %d times while it was read; try again", maxMoves)
}
