package web

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// fakeRecord stands in for the steps: it keeps incidents in a map and asks the
// real rules of pkg/incident. Everybody's word counts, unless quorum is above 1.
type fakeRecord struct {
	mu        sync.Mutex
	incidents map[string]incident.Incident
	events    map[string][]incident.Event
	now       func() time.Time
	quorum    int
	denied    string // why the policy refuses everybody; "" if it does not
	fails     error  // what every call answers; nil to work
	panics    any
	alerts    []steps.IngestInput
	words     []steps.ApproveFixInput
	queries   []steps.ListQuery
	next      string
	joins     bool
	joined    incident.Status // how the one that is joined stands; "": as it was detected
	tickets   []incident.Ticket
	brake     incident.Brake
}

func (f *fakeRecord) broken() error {
	if f.panics != nil {
		panic(f.panics)
	}
	return f.fails
}

func (f *fakeRecord) put(c incident.Change, err error) {
	if err != nil {
		panic(err) // a fixture that the rules refuse
	}
	f.incidents[c.Incident.ID] = c.Incident
	if !c.Empty() {
		f.events[c.Incident.ID] = append(f.events[c.Incident.ID], c.Event)
	}
}

func (f *fakeRecord) Incident(_ context.Context, ref incident.Ref) (incident.Incident, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.broken(); err != nil {
		return incident.Incident{}, err
	}
	inc, ok := f.incidents[ref.ID]
	if !ok || ref.Tenant != incident.DefaultTenant {
		return inc, incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no incident %s", ref.ID)
	}
	return inc, nil
}

func (f *fakeRecord) List(_ context.Context, q steps.ListQuery) (steps.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, q)
	page := steps.Page{NextCursor: f.next}
	for _, id := range []string{waitingID, manualID} {
		if inc, ok := f.incidents[id]; ok && (q.Status == "" || q.Status == inc.Status) {
			page.Incidents = append(page.Incidents, inc)
		}
	}
	return page, f.broken()
}

func (f *fakeRecord) Flood(_ context.Context, inc incident.Incident) (flow incident.Flow, err error) {
	if inc.Source == steps.FloodSource {
		flow.Folded, flow.Others = []incident.Folded{{Shape: "error: cart * is gone", Count: 7}}, 2
	}
	return flow, nil
}

func (f *fakeRecord) Latest(ctx context.Context, ref incident.Ref) (incident.Latest, error) {
	inc, err := f.Incident(ctx, ref)
	if err != nil || inc.Source != steps.FloodSource {
		return incident.Latest{}, err
	}
	return incident.Latest{At: inc.CreatedAt, Logs: "error: cart 17 is gone\n\n" + strings.Repeat("at line\n", 25)}, nil
}

func (f *fakeRecord) Audit(ctx context.Context, ref incident.Ref) (incident.Incident, []incident.Event, error) {
	inc, err := f.Incident(ctx, ref)
	return inc, f.events[ref.ID], err
}

func (f *fakeRecord) Ping(context.Context) error { return f.broken() }

func (f *fakeRecord) Tickets(_ context.Context, _ string, limit int, cursor string) ([]incident.Ticket, string, error) {
	return f.tickets[:min(limit, len(f.tickets))], f.next, f.broken()
}

func (f *fakeRecord) Ticket(_ context.Context, _, key string) (incident.Ticket, error) {
	for _, t := range f.tickets {
		if t.Key == key {
			return t, nil
		}
	}
	return incident.Ticket{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no such ticket")
}

type fakeIngest struct{ *fakeRecord }

func (f fakeIngest) Handle(_ context.Context, in steps.IngestInput) (steps.Ingested, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.broken(); err != nil {
		return steps.Ingested{}, err
	}
	f.alerts = append(f.alerts, in)
	return steps.Ingested{IncidentID: detectedID, Status: cmp.Or(f.joined, incident.Detected), Duplicate: f.joins}, nil
}

type fakeDecide struct{ *fakeRecord }

func (f fakeDecide) Handle(ctx context.Context, in steps.ApproveFixInput) (steps.ApproveFixOutput, error) {
	inc, err := f.Incident(ctx, in.Ref)
	if err != nil {
		return steps.ApproveFixOutput{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.words = append(f.words, in)
	have := len(inc.Votes) + 1
	verdict := incident.Verdict{Allowed: f.denied == "", Reason: f.denied, Decides: have >= f.quorum, Have: have, Needed: f.quorum}
	c, err := inc.Vote(incident.Vote{Action: in.Action, By: in.By, Note: in.Note, PlanHash: in.PlanHash}, verdict, f.now())
	if err != nil {
		return steps.ApproveFixOutput{}, err
	}
	f.put(c, nil)
	return steps.ApproveFixOutput{Decision: c.Incident.Decision, Approvals: have, Needed: f.quorum, Status: c.Incident.Status}, nil
}

// newRecord has one incident in each state that matters to HTTP.
func newRecord(clock func() time.Time) *fakeRecord {
	f := &fakeRecord{incidents: map[string]incident.Incident{}, events: map[string][]incident.Event{}, now: clock, quorum: 1}
	for i, id := range []string{waitingID, manualID, detectedID, fixedID} {
		alert := incident.Alert{Tenant: "default", Source: "api", Service: "prod-api-01", ErrorLogs: "heap out of memory",
			Severity: incident.High, Timestamp: opened.Add(-time.Second), Link: "https://monitor.example.test/d/7?from=now-1h&to=now"}
		f.put(incident.Open(incident.New{Ref: incident.Ref{Tenant: "default", ID: id}, Alert: alert, By: "key:ci",
			ApprovalTimeout: 4*time.Hour + time.Minute, Now: opened.Add(time.Duration(i) * time.Millisecond)}), nil)
	}
	for _, id := range []string{waitingID, fixedID, manualID} {
		analysis := incident.Analysis{AnalyzedBy: incident.ByRules, Cause: "Node.js ran out of heap memory. It was killed.",
			Evidence: []string{"FATAL ERROR: Reached heap limit", "JavaScript heap out of memory"}, Confidence: 0.9}
		proposal := &incident.Proposal{FixID: "restart-service", Parameters: map[string]string{"graceSeconds": "30"}}
		plan := &incident.Plan{FixID: "restart-service", Title: "Restart the service", Risk: "low", Parameters: proposal.Parameters,
			Target: incident.Target{Service: "prod-api-01", Type: "simulated"}, FixDigest: strings.Repeat("d1", 32)}
		ask := incident.Ask{Token: incident.NewTaskToken("secret-task-token"), EnteredAt: opened, Now: opened.Add(time.Second)}
		if id == manualID {
			analysis, proposal, plan = incident.Analysis{AnalyzedBy: incident.ByNone}, nil, nil
			ask.ManualReason = "The logs hold no known signature."
		} else {
			frozen := plan.Freeze(incident.Ref{Tenant: "default", ID: id})
			plan = &frozen
		}
		f.put(f.incidents[id].Propose(analysis, proposal, opened))
		if plan != nil {
			f.put(f.incidents[id].Planned(incident.Planning{Plan: plan}, opened))
		}
		f.put(f.incidents[id].Await(ask))
	}
	inc := f.incidents[fixedID]
	f.put(inc.Vote(incident.Vote{Action: incident.Approve, By: "key:anna", Note: "go <b>on</b>", PlanHash: inc.Plan.Hash},
		incident.Verdict{Allowed: true, Reason: "anyone with an operator's key may approve", Decides: true}, opened.Add(time.Minute)))
	f.put(f.incidents[fixedID].Claim(incident.Claimer{}, inc.Plan, opened.Add(61*time.Second)))
	f.put(f.incidents[fixedID].Record(incident.Result{Outcome: incident.Simulated, Verified: true, Steps: []incident.FixStep{
		{Name: "restart", Status: "simulated", Detail: "would restart prod-api-01", At: opened.Add(62 * time.Second)}}}, opened.Add(63*time.Second)))
	f.put(f.incidents[fixedID].Ticketed(incident.Ticket{Tracker: "simulated", Key: "SIM-1"}, opened.Add(64*time.Second)))
	f.put(f.incidents[fixedID].Close("", opened.Add(65*time.Second)))
	f.tickets = []incident.Ticket{{Key: "SIM-1", IncidentID: fixedID, Title: "prod-api-01: out of memory", Body: "line 1\nline <2>", CreatedAt: opened}}
	return f
}
