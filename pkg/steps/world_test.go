package steps_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/steps"
)

const services = `
services:
  api:
    owner: platform
    target: {type: simulated}
    fixes: [restart-service, scale-out]
  real:
    owner: platform
    target: {type: ecs, cluster: blue}
    fixes: [restart-service]
  twin:
    owner: platform
    target: {type: ecs, cluster: blue}
    fixes: [restart-service]
  pair:
    owner: shop
    target: {type: simulated}
    fixes: [restart-service]
    approval: {quorum: 2}
  named:
    owner: shop
    target: {type: simulated}
    fixes: [restart-service]
    approval: {approvers: [anna]}
  patient:
    owner: shop
    target: {type: simulated}
    fixes: [restart-service]
    approval: {timeout: 2h}
  disk:
    owner: shop
    target: {type: simulated}
    fixes: [free-disk-space]
`

const heapLogs = "GET /cart 200\nFATAL ERROR: JavaScript heap out of memory\nworker stopped"

// world is every step over a real store in a file, with recording fakes for what
// lies outside. Steps are made when asked for, so that a test can change what
// they get in between. When the test ends every audit trail must be whole.
type world struct {
	*testing.T
	dir      string
	store    *faulty
	clock    *clock
	inv      *inventory.Inventory
	workflow *workflow
	chat     *channel
	channels []steps.Channel
	tracker  *tracker
	together steps.Together
	executor *executor
	prober   steps.Prober
	links    link.Maker
	log      *logBuffer
	newID    func() string
	runner   string            // what execute-fix knows itself by
	keys     map[string]string // what detected opened an incident with, by its id
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir(), clock: newClock(), workflow: newWorkflow(), chat: &channel{name: "chat"},
		tracker: &tracker{}, executor: newExecutor(), log: &logBuffer{}, newID: ids(), keys: map[string]string{}}
	db, err := bolt.OpenFile(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	writer := commit.New(db)
	t.Cleanup(func() { writer.Close(); db.Close() })
	w.store = &faulty{Store: bolt.New(db, writer)}
	w.channels = []steps.Channel{w.chat}
	w.services(services)
	keys, err := link.ParseKeys(strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	url, err := link.ParsePublicURL("http://localhost:3000")
	if err != nil {
		t.Fatal(err)
	}
	if w.links, err = link.NewMaker(keys, url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.trailsAreWhole)
	return w
}

// stored is every byte that the store has written.
func (w *world) stored() (all []byte) {
	w.Helper()
	for _, name := range []string{bolt.FileName, bolt.JournalName} {
		file, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, file...)
	}
	return all
}

// services replaces services.yaml, as a deployment would.
func (w *world) services(yaml string) {
	w.Helper()
	inv, err := inventory.Load([]byte(yaml), nil)
	if err != nil {
		w.Fatal(err)
	}
	w.inv = inv
}

// trailsAreWhole looks past every fault at what is stored.
func (w *world) trailsAreWhole() {
	for _, inc := range w.all() {
		events, err := w.store.Store.Events(context.Background(), inc.Ref)
		if err != nil {
			w.Errorf("events of %s: %v", inc.ID, err)
		}
		if bad := incident.VerifyChain(inc, events); bad != nil {
			w.Errorf("%s: event %d %s", inc.ID, bad.Seq, bad.Why)
		}
	}
}

// all lists every incident there is, newest first.
func (w *world) all() (all []incident.Incident) {
	w.Helper()
	q := steps.ListQuery{Tenant: incident.DefaultTenant, Limit: 100}
	for {
		page, err := w.store.Store.List(context.Background(), q)
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, page.Incidents...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			return all
		}
	}
}

func (w *world) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(w.log, nil)) }

func (w *world) people() steps.People {
	return steps.People{Store: w.store, Inventory: w.inv, Channels: w.channels, Links: w.links, Together: w.together, Now: w.clock.now, Log: w.logger()}
}

func (w *world) delivery() steps.Delivery {
	return steps.Delivery{Waits: w.store, Workflow: w.workflow}
}

func (w *world) ingest() steps.IngestAlert {
	return steps.IngestAlert{Store: w.store, Workflow: w.workflow, Inventory: w.inv, NewID: w.newID, Timeout: time.Hour, Now: w.clock.now, Log: w.logger()}
}

func (w *world) analyze(model steps.Analyst) steps.Analyze {
	return steps.Analyze{Store: w.store, Analyst: model, Inventory: w.inv, Now: w.clock.now, Log: w.logger()}
}

func (w *world) wait() steps.WaitForApproval {
	return steps.WaitForApproval{Store: w.store, Delivery: w.delivery(), People: w.people(), Now: w.clock.now, Log: w.logger()}
}

func (w *world) approve() steps.ApproveFix {
	return steps.ApproveFix{Store: w.store, Delivery: w.delivery(), Inventory: w.inv, People: w.people(), Now: w.clock.now, Log: w.logger()}
}

func (w *world) plan() steps.PlanFix {
	return steps.PlanFix{Store: w.store, Executors: w.executor, Inventory: w.inv, Lasting: w.lasting(), Now: w.clock.now, Log: w.logger()}
}

func (w *world) act() steps.ExecuteFix {
	return steps.ExecuteFix{Store: w.store, Executors: w.executor, Inventory: w.inv, Fixes: w.store, Runner: w.runner, Now: w.clock.now, Log: w.logger()}
}

func (w *world) lasting() *steps.Lasting {
	return &steps.Lasting{Store: w.store, Inventory: w.inv, Now: w.clock.now, Log: w.logger()}
}

func (w *world) verify() steps.VerifyFix {
	return steps.VerifyFix{Store: w.store, Executors: w.executor, Inventory: w.inv, Prober: w.prober, Now: w.clock.now, Log: w.logger()}
}

func (w *world) undo() steps.UndoFix {
	return steps.UndoFix{Store: w.store, Executors: w.executor, Runner: w.runner, Now: w.clock.now, Log: w.logger()}
}

// fixing is execute-fix, and verify-fix after it, as often as the state machine calls it.
type fixing struct{ w *world }

// said is how a fix ended.
type said struct {
	Outcome  incident.Outcome
	Verified bool
}

func (w *world) execute() fixing { return fixing{w} }

// Handle acts and looks until there is nothing to wait for.
func (f fixing) Handle(ctx context.Context, ref incident.Ref) (said, error) {
	p, err := f.w.act().Handle(ctx, ref)
	for err == nil && !p.Settled {
		p, err = f.w.verify().Handle(context.WithoutCancel(ctx), ref)
	}
	return said{p.Outcome, p.Verified}, err
}

func (w *world) ticket() steps.CreateTicket {
	return steps.CreateTicket{Store: w.store, Inventory: w.inv, Trackers: []steps.Tracker{w.tracker}, Links: w.links, Now: w.clock.now, Log: w.logger()}
}

func (w *world) resolution() steps.LogResolution {
	return steps.LogResolution{Store: w.store, Lasting: w.lasting(), People: w.people(), Now: w.clock.now, Log: w.logger()}
}

func (w *world) reconcile() steps.Reconcile {
	return steps.Reconcile{Store: w.store, Workflow: w.workflow, Delivery: w.delivery(), People: w.people(),
		Ticket: w.ticket(), Close: w.resolution(), Tenant: incident.DefaultTenant, Log: w.logger()}
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

func newClock() *clock { return &clock{at: epoch} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// ids makes incident ids in order, safe for concurrent use.
func ids() func() string {
	var mu sync.Mutex
	var n uint64
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		var id ulid.ULID
		if err := id.SetTime(n); err != nil {
			panic(err)
		}
		return incident.IDFromULID(id.String())
	}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func tokenOf(ref incident.Ref) incident.TaskToken {
	return incident.NewTaskToken(fmt.Sprintf("token of %s", ref.ID))
}
