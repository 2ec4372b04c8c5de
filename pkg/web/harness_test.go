package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	opened   = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	now      = opened.Add(10 * time.Minute)
	deadline = opened.Add(4 * time.Hour)
)

const (
	waitingID  = "INC-01JDEF0000000000000000WA1T"
	manualID   = "INC-01JDEF000000000000000MANVA"
	detectedID = "INC-01JDEF00000000000000DETECT"
	fixedID    = "INC-01JDEF000000000000000F1XED"
	ghostID    = "INC-01JDEF000000000000000GH0ST"
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
	tickets   []TicketRecord
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

func (f *fakeRecord) Audit(ctx context.Context, ref incident.Ref) (incident.Incident, []incident.Event, error) {
	inc, err := f.Incident(ctx, ref)
	return inc, f.events[ref.ID], err
}

func (f *fakeRecord) Ping(context.Context) error { return f.broken() }

func (f *fakeRecord) Tickets(_ context.Context, _ string, limit int, cursor string) ([]TicketRecord, string, error) {
	return f.tickets[:min(limit, len(f.tickets))], f.next, f.broken()
}

func (f *fakeRecord) Ticket(_ context.Context, _, key string) (TicketRecord, error) {
	for _, t := range f.tickets {
		if t.Key == key {
			return t, nil
		}
	}
	return TicketRecord{}, incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no such ticket")
}

type fakeIngest struct{ *fakeRecord }

func (f fakeIngest) Handle(_ context.Context, in steps.IngestInput) (steps.Ingested, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.broken(); err != nil {
		return steps.Ingested{}, err
	}
	f.alerts = append(f.alerts, in)
	return steps.Ingested{IncidentID: detectedID, Status: incident.Detected, Duplicate: f.joins}, nil
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
		alert := incident.Alert{Tenant: "default", Source: "api", ServerName: "prod-api-01", ErrorLogs: "heap out of memory", Severity: incident.High, Timestamp: opened.Add(-time.Second)}
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
			ask.Plan = &frozen
		}
		f.put(f.incidents[id].Propose(analysis, proposal, opened))
		f.put(f.incidents[id].Await(ask))
	}
	inc := f.incidents[fixedID]
	f.put(inc.Vote(incident.Vote{Action: incident.Approve, By: "key:anna", Note: "go <b>on</b>", PlanHash: inc.Plan.Hash},
		incident.Verdict{Allowed: true, Reason: "anyone with an operator's key may approve", Decides: true}, opened.Add(time.Minute)))
	f.put(f.incidents[fixedID].Claim(inc.Plan, opened.Add(61*time.Second)))
	f.put(f.incidents[fixedID].Record(incident.Result{Outcome: incident.Simulated, Verified: true, Steps: []incident.FixStep{
		{Name: "restart", Status: "simulated", Detail: "would restart prod-api-01", At: opened.Add(62 * time.Second)}}}, opened.Add(63*time.Second)))
	f.put(f.incidents[fixedID].Ticketed(incident.Ticket{Tracker: "simulated", Key: "SIM-1"}, opened.Add(64*time.Second)))
	f.put(f.incidents[fixedID].Close("", opened.Add(65*time.Second)))
	f.tickets = []TicketRecord{{"SIM-1", fixedID, "prod-api-01: out of memory", "line 1\nline <2>", opened}}
	return f
}

// front is the handler under test and all that it was given.
type front struct {
	http.Handler
	*fakeRecord
	log   *bytes.Buffer
	links link.Keys
	clock time.Time
}

const linkKey = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"

// Keys of the harness: one a role.
const (
	ingestKey  = "ogk_ingest"
	readKey    = "ogk_read"
	operateKey = "ogk_operate"
)

func testRing(t testing.TB) Keyring {
	t.Helper()
	entry := func(name, role, key string) string {
		sum := sha256.Sum256([]byte(key))
		return name + ":" + role + ":" + hex.EncodeToString(sum[:])
	}
	ring, err := ParseKeys(entry("ci", "ingest", ingestKey) + "," + entry("dash", "read", readKey) + "\n" + entry("anna", "operate", operateKey))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func newFront(t testing.TB, change ...func(*Config)) *front {
	t.Helper()
	f := &front{log: new(bytes.Buffer), clock: now}
	f.fakeRecord = newRecord(func() time.Time { return f.clock })
	var err error
	if f.links, err = link.ParseKeys(linkKey); err != nil {
		t.Fatal(err)
	}
	public, err := link.ParsePublicURL("http://localhost:3000")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Ingest: fakeIngest{f.fakeRecord}, Decide: fakeDecide{f.fakeRecord}, Read: f.fakeRecord, Health: f.fakeRecord, Tickets: f.fakeRecord,
		Keys: FixedKeys(testRing(t)), LinkKeys: FixedLinkKeys(f.links), PublicURL: public, Version: "1.2.3",
		Now: func() time.Time { return f.clock }, Log: slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, ch := range change {
		ch(&c)
	}
	if f.Handler, err = New(c); err != nil {
		t.Fatal(err)
	}
	return f
}

func keyless(c *Config) { c.Keys = nil }

func prefixed(t testing.TB) func(*Config) {
	public, err := link.ParsePublicURL("https://api.example.com/Prod")
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.PublicURL = public }
}

// call is one request; headers alternate names and values.
type call struct {
	method, target string
	key            string
	contentType    string
	body           string
	headers        []string
	remote, host   string
}

func (f *front) do(t testing.TB, c call) *http.Response {
	t.Helper()
	var content io.Reader
	if c.body != "" {
		content = strings.NewReader(c.body)
	}
	r := httptest.NewRequest(c.method, "http://localhost:3000"+c.target, content)
	r.RemoteAddr = "127.0.0.1:50000"
	if c.remote != "" {
		r.RemoteAddr = c.remote
	}
	if c.host != "" {
		r.Host = c.host
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	} else if strings.HasPrefix(c.body, "{") {
		r.Header.Set("Content-Type", "application/json")
	} else if c.body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(c.headers); i += 2 {
		r.Header.Add(c.headers[i], c.headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

func text(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// claims are those of a link to an incident of the record.
func (f *front) claims(id string, action incident.Action) link.Claims {
	c := link.Claims{Ref: incident.Ref{Tenant: "default", ID: id}, Action: action, Channel: "discord", Expires: deadline}
	if inc := f.incidents[id]; inc.Plan != nil {
		c.PlanHash = inc.Plan.Hash
	}
	return c
}

// linkTo is the path of a decision link.
func (f *front) linkTo(id string, action incident.Action) string {
	c := f.claims(id, action)
	return link.DecidePath(c, f.links.Mint(c))
}

func (f *front) token(id string, action incident.Action) string {
	return f.links.Mint(f.claims(id, action))
}

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +got), go test -update writes it anew:\n%s", name, diff)
	}
}

// shownProblem is any problem+json, with the members of all types.
type shownProblem struct {
	Type, Title, Detail string
	Status              int
	Field               *string
	Decision, By, At    string
}

// problemIn fails unless the answer is problem+json of this status and type.
func problemIn(t testing.TB, res *http.Response, status int, slug string) shownProblem {
	t.Helper()
	content := text(t, res)
	var p shownProblem
	if err := json.Unmarshal([]byte(content), &p); err != nil || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("not a problem: %v, %s:\n%s", err, res.Header.Get("Content-Type"), content)
		return p
	}
	if res.StatusCode != status || p.Status != status || p.Type != slug || p.Title == "" || p.Detail == "" {
		t.Errorf("answered %d; want %d %s:\n%s", res.StatusCode, status, slug, content)
	}
	return p
}
