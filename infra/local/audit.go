package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/dbfile"
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
	// Damaged is what else is damaged in the store, where every incident was asked for.
	Damaged []string `json:"damaged"`
}

// BadTrail is a trail that does not bear out its incident, and the first event
// that shows it; 0 if the record or the evidence itself is damaged.
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

// verify checks every incident that is asked for; all of them, with what an
// examination of the store found. It fails only where it cannot tell which there are.
func (a auditor) verify(ctx context.Context, q AuditQuery, found []bolt.Finding) (AuditReport, error) {
	report := AuditReport{Bad: []BadTrail{}, Unchecked: []Unchecked{}, Damaged: []string{}}
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
			report.addFound(found)
			return report, ctx.Err()
		}
	}
}

// addFound adds what is damaged and no trail has shown. Incidents that cannot be
// listed are checked too, and bad.
func (r *AuditReport) addFound(found []bolt.Finding) {
	told := map[string]bool{}
	for _, bad := range r.Bad {
		told[bad.IncidentID] = true
	}
	for _, f := range found {
		switch {
		case told[f.IncidentID]:
		case bolt.Unlisted(f):
			told[f.IncidentID] = true
			r.Checked++
			r.Bad = append(r.Bad, BadTrail{f.IncidentID, 0, f.What})
		default:
			r.Damaged = append(r.Damaged, f.String())
		}
	}
}

func (a auditor) add(ctx context.Context, report *AuditReport, id string) {
	if !incident.ValidID(id) {
		report.Unchecked = append(report.Unchecked, Unchecked{id, "it is not an incident's id"})
		return
	}
	inc, events, err := a.snapshot(ctx, incident.Ref{Tenant: tenant, ID: id})
	if errors.Is(err, dbfile.ErrDamaged) {
		report.Checked++
		report.Bad = append(report.Bad, BadTrail{id, 0, "its record is damaged"})
		return
	}
	if err != nil {
		report.Unchecked = append(report.Unchecked, Unchecked{id, err.Error()})
		return
	}
	evidence, err := a.store.Evidence(ctx, inc.Ref) // written once, so that any moment will do
	damaged := errors.Is(err, dbfile.ErrDamaged)
	if err != nil && !damaged && incident.KindOf(err) != incident.NotFound {
		report.Unchecked = append(report.Unchecked, Unchecked{id, err.Error()})
		return
	}
	report.Checked++
	bad := incident.VerifyChain(inc, events)
	switch {
	case bad != nil && int(bad.Seq) <= len(events) && events[bad.Seq-1].Seq == 0:
		bad.Why = "its record is damaged"
	case bad == nil && damaged:
		bad = &incident.BadEvent{Why: "its evidence is damaged"}
	case bad == nil:
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
