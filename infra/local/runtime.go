package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/clock"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/engine"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/source/api"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/web"
	"github.com/opsguard/opsguard/statemachine"
)

// Runtime is one OpsGuard process: store, engine, steps and HTTP handler.
type Runtime struct {
	settings Settings
	log      *slog.Logger
	db       *bolt.File
	writer   *commit.Writer
	store    attentive
	engine   *engine.Engine
	handler  http.Handler
	alerts   accepting
	clock    *clock.Clock // by which every deadline is judged
	health   *health
	asker    *asker
	people   steps.People

	healthCheck steps.HourlyHealthCheck
	reconcile   steps.Reconcile
}

// Deps is what the process gives its runtime.
type Deps struct {
	Version   string
	Console   io.Writer // where incidents are shown; logs go to Log
	Log       *slog.Logger
	Executors steps.Executors // nil: those that are built in
	Clock     *clock.Clock    // nil: this machine's
}

// Open opens everything in the data directory and carries on what runs there;
// nothing is served yet. It refuses wrong settings by their name. Close it.
func Open(ctx context.Context, s Settings, d Deps) (*Runtime, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	inv, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	s.PublicURL = s.publicURL()
	rt := &Runtime{settings: s, log: d.Log, clock: d.Clock}
	if rt.clock == nil {
		rt.clock = clock.New()
	}
	if rt.db, err = bolt.OpenFile(s.DataDir); err != nil {
		return nil, err
	}
	rt.asker = newAsker(rt.clock.Now, rt.log)
	rt.tellDamage()
	rt.writer = commit.New(rt.db)
	rt.store = attentive{bolt.New(rt.db, rt.writer), make(chan struct{}, 1)}
	rt.health = newHealth(rt.db, rt.store.Store)
	if err := rt.bind(ctx, inv, d); err != nil {
		return nil, errors.Join(err, rt.Close(ctx))
	}
	return rt, nil
}

func (rt *Runtime) bind(ctx context.Context, inv *inventory.Inventory, d Deps) error {
	if rt.settings.APIKeys == "" {
		if err := needKeys(inv); err != nil {
			return err
		}
	}
	out, err := rt.openOutside(ctx, inv, d)
	if err != nil {
		return err
	}
	rt.warnOfServices(inv)
	// The steps call the workflow, the engine calls the steps: the one is filled in
	// after the other is opened, before anything is served.
	w := &workflow{}
	s := rt.steps(inv, out, w)
	ready := make(chan struct{})
	rt.engine, err = engine.Open(engine.Config{
		DB: rt.writer, Ready: ready, Definition: statemachine.Definition, Tasks: s.tasks(&rt.alerts), ErrorName: steps.ErrorName,
		Now: rt.clock.Now, Log: rt.log,
	})
	if err != nil {
		return err
	}
	w.engine = rt.engine
	close(ready)
	rt.healthCheck, rt.reconcile, rt.people = s.healthCheck, s.reconcile, s.people
	rt.handler, err = rt.web(s, out, d)
	return err
}

// warnOfServices tells of what services.yaml says and nobody could use.
func (rt *Runtime) warnOfServices(inv *inventory.Inventory) {
	for _, svc := range inv.Services() {
		if rt.settings.APIKeys == "" && (svc.Approval.Quorum > 1 || len(svc.Approval.TwoPersonFixes) > 0 || len(svc.Approval.Approvers) > 0) {
			rt.log.Warn("nobody can approve fixes that need named people while there are no keys; set OPSGUARD_API_KEYS", "service", svc.Name)
		}
	}
}

// stepSet is every step, bound.
type stepSet struct {
	ingest      steps.IngestAlert
	receive     steps.ReceiveAlerts
	investigate steps.Investigate
	analyze     steps.Analyze
	plan        steps.PlanFix
	wait        steps.WaitForApproval
	approve     steps.ApproveFix
	execute     steps.ExecuteFix
	verify      steps.VerifyFix
	undo        steps.UndoFix
	ticket      steps.CreateTicket
	resolution  steps.LogResolution
	healthCheck steps.HourlyHealthCheck
	query       steps.QueryIncidents
	brake       steps.KillSwitch
	reconcile   steps.Reconcile
	people      steps.People
}

func (rt *Runtime) steps(inv *inventory.Inventory, out outside, w *workflow) (s stepSet) {
	now := steps.Clock(rt.clock.Now)
	kept := newFlows()
	delivery := steps.Delivery{Waits: rt.store, Workflow: w}
	links := steps.DecidableLinks{Linker: out.links, Inventory: inv}
	people := steps.People{Store: rt.store, Inventory: inv, Channels: out.channels, Links: links,
		Together: steps.Together{Groups: rt.store, Window: rt.settings.GroupWindow}, Later: rt.asker.later, Now: now, Log: rt.log}
	s.people = people
	s.ingest = steps.IngestAlert{Store: rt.store, Workflow: w, Inventory: inv, NewID: newID, Timeout: rt.settings.ApprovalTimeout, Delivery: &delivery,
		Flows: kept, PerHour: rt.settings.IncidentsPerHour, Raised: rt.asker.soon, Now: now, Log: rt.log}
	s.receive = steps.ReceiveAlerts{Sources: out.sources, Ingest: s.ingest, Services: inv, Seen: steps.NewDeliveries(), AtOnce: alertsAtOnce, Log: rt.log}
	s.analyze = steps.Analyze{Store: rt.store, Analyst: out.analyst, Inventory: inv, Now: now, Log: rt.log}
	lasting := &steps.Lasting{Store: rt.store, Inventory: inv, Now: now, Log: rt.log}
	s.brake = steps.KillSwitch{Store: rt.store, Tenant: tenant, Now: now, Log: rt.log}
	s.plan = steps.PlanFix{Store: rt.store, Executors: out.executors, Inventory: inv, Lasting: lasting, Now: now, Log: rt.log}
	s.wait = steps.WaitForApproval{Store: rt.store, Delivery: delivery, People: people, Now: now, Log: rt.log}
	s.approve = steps.ApproveFix{Store: rt.store, Delivery: delivery, Inventory: inv, People: people, Now: now, Log: rt.log}
	runner := newRunner()
	s.execute = steps.ExecuteFix{Store: rt.store, Executors: out.executors, Inventory: inv, Fixes: rt.store, Runner: runner, Now: now, Log: rt.log}
	s.verify = steps.VerifyFix{Store: rt.store, Executors: out.executors, Inventory: inv, Prober: out.prober, Runner: runner, Now: now, Log: rt.log}
	s.undo = steps.UndoFix{Store: rt.store, Executors: out.executors, Runner: runner, Now: now, Log: rt.log}
	s.ticket = steps.CreateTicket{Store: rt.store, Inventory: inv, Trackers: out.trackers, Links: out.links, Now: now, Log: rt.log}
	s.resolution = steps.LogResolution{Store: rt.store, Lasting: lasting, People: people, Now: now, Log: rt.log}
	s.healthCheck = steps.HourlyHealthCheck{Inventory: inv, Prober: out.prober, Scanner: out.scanner, Memory: newHealthMemory(rt.settings.DataDir),
		Ingest: s.ingest, Log: rt.log}
	s.query = steps.QueryIncidents{Store: rt.store, Flows: kept}
	s.reconcile = steps.Reconcile{Store: rt.store, Workflow: w, Delivery: delivery, People: people, Ticket: s.ticket, Close: s.resolution, Tenant: tenant, Log: rt.log}
	return s
}

// alertsAtOnce is how many alerts of one request are taken at the same time: those of a
// usual batch share one sync.
const alertsAtOnce = 256

// stepBackFor is how long the first step of an incident makes way for alerts that
// are being accepted. All that follows waits for this step. With 24 of these steps
// at once, 48 incidents a second go on even in a storm that never pauses.
const stepBackFor = 500 * time.Millisecond

// tasks names the steps as the state machine's definition does.
func (s stepSet) tasks(alerts *accepting) map[string]engine.TaskFunc {
	investigate := task(s.investigate.Handle)
	return map[string]engine.TaskFunc{
		"${InvestigateFunctionArn}": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
			alerts.stepBack(ctx, stepBackFor)
			return investigate(ctx, payload)
		},
		"${AnalyzeFunctionArn}": task(s.analyze.Handle),
		"${PlanFixFunctionArn}": task(s.plan.Handle),
		"${WaitForApprovalFunctionArn}": task(func(ctx context.Context, in steps.WaitInput) (struct{}, error) {
			return struct{}{}, s.wait.Handle(ctx, in)
		}),
		"${ExecuteFixFunctionArn}":    task(s.execute.Handle),
		"${VerifyFixFunctionArn}":     task(s.verify.Handle),
		"${UndoFixFunctionArn}":       task(s.undo.Handle),
		"${CreateTicketFunctionArn}":  task(s.ticket.Handle),
		"${LogResolutionFunctionArn}": task(s.resolution.Handle),
	}
}

// web makes the HTTP handler.
func (rt *Runtime) web(s stepSet, out outside, d Deps) (http.Handler, error) {
	c := web.Config{
		Ingest: s.ingest, Alerts: api.Source{}, Receive: s.receive, Decide: s.approve, Read: s.query, Health: rt.health, Tickets: rt.store, Brake: s.brake,
		LinkKeys: web.FixedLinkKeys(out.linkKeys), PublicURL: out.publicURL, Version: d.Version, Now: rt.clock.Now, Log: d.Log,
	}
	if rt.settings.APIKeys != "" {
		keys, err := web.ParseKeys(rt.settings.APIKeys)
		if err != nil {
			return nil, err
		}
		c.Keys = web.FixedKeys(keys)
	}
	handler, err := web.New(c)
	if err != nil {
		return nil, err
	}
	return rt.alerts.handler(handler), nil
}

// newRunner names this process among all that ever open its store, one at a time:
// the file is locked.
func newRunner() string { return ulid.MustNew(ulid.Now(), rand.Reader).String() }

// newID makes an incident's id: its time, and 80 random bits.
func newID() string {
	return incident.IDFromULID(ulid.MustNew(ulid.Now(), rand.Reader).String())
}
