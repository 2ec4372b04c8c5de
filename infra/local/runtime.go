package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"go.etcd.io/bbolt"

	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/engine"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/gemini"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/link"
	"github.com/opsguard/opsguard/pkg/notify"
	"github.com/opsguard/opsguard/pkg/notify/console"
	"github.com/opsguard/opsguard/pkg/probe"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/ticket"
	"github.com/opsguard/opsguard/pkg/web"
	"github.com/opsguard/opsguard/statemachine"
)

// Runtime is one OpsGuard process: store, engine, steps and HTTP handler.
type Runtime struct {
	settings Settings
	log      *slog.Logger
	db       *bolt.File
	writer   *commit.Writer
	store    *bolt.Store
	engine   *engine.Engine
	handler  http.Handler
	alerts   accepting
	health   *health

	healthCheck steps.HourlyHealthCheck
	reconcile   steps.Reconcile
}

// Deps is what the process gives its runtime.
type Deps struct {
	Version  string
	Console  io.Writer // where incidents are shown; logs go to Log
	Log      *slog.Logger
	Executor Executor // nil: those that are built in
}

// Executor applies fixes. Simulated reports that none of them is real, without
// which keyless mode is refused; Types lists the target types that it knows.
type Executor interface {
	steps.Executor
	Simulated() bool
	Types() []string
}

// Open opens everything in the data directory and carries on what runs there;
// nothing is served yet. It refuses wrong settings by their name. Close it.
func Open(ctx context.Context, s Settings, d Deps) (*Runtime, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	inv, err := s.loadServices()
	if err != nil {
		return nil, err
	}
	s.PublicURL = s.publicURL()
	rt := &Runtime{settings: s, log: d.Log}
	if rt.db, err = bolt.OpenFile(s.DataDir); err != nil {
		return nil, err
	}
	rt.tellDamage()
	rt.writer = commit.New(rt.db)
	rt.store = bolt.New(rt.db, rt.writer)
	rt.health = newHealth(rt.db, rt.store)
	if err := rt.bind(ctx, inv, d); err != nil {
		return nil, errors.Join(err, rt.Close(ctx))
	}
	return rt, nil
}

// outside is every system that the steps reach through an adapter.
type outside struct {
	publicURL link.PublicURL
	links     link.Maker
	linkKeys  link.Keys
	executor  Executor
	tracker   ticket.Tracker
	channels  []steps.Channel
	prober    *probe.Prober
	analyst   steps.Analyst
}

func (rt *Runtime) bind(ctx context.Context, inv *inventory.Inventory, d Deps) error {
	out, err := rt.openOutside(ctx, d)
	if err != nil {
		return err
	}
	if rt.settings.APIKeys == "" && !out.executor.Simulated() {
		return errors.New("OPSGUARD_API_KEYS: real executors are configured, so keys are needed; make entries with: opsguard keys new --name NAME --role operate")
	}
	if err := rt.checkServices(inv, out.executor); err != nil {
		return err
	}
	// The steps call the workflow, the engine calls the steps: the one is filled in
	// after the other is opened, before anything is served.
	w := &workflow{}
	s := rt.steps(inv, out, w)
	ready := make(chan struct{})
	rt.engine, err = engine.Open(engine.Config{
		DB: rt.db, Write: rt.write, Ready: ready, Definition: statemachine.Definition, Tasks: s.tasks(&rt.alerts), ErrorName: steps.ErrorName, Log: rt.log,
	})
	if err != nil {
		return err
	}
	w.engine = rt.engine
	close(ready)
	rt.healthCheck, rt.reconcile = s.healthCheck, s.reconcile
	rt.handler, err = rt.web(s, out, d)
	return err
}

// checkServices refuses what services.yaml says and this process cannot do, and
// warns of what it can do but nobody could use.
func (rt *Runtime) checkServices(inv *inventory.Inventory, executor Executor) error {
	for _, svc := range inv.Services() {
		if !slices.Contains(executor.Types(), svc.Target.Type) {
			return fmt.Errorf("OPSGUARD_SERVICES: services.%s.target.type: %q is not built in; known: %s", svc.Name, svc.Target.Type, strings.Join(executor.Types(), ", "))
		}
		if rt.settings.APIKeys == "" && (svc.Approval.Quorum > 1 || len(svc.Approval.TwoPersonFixes) > 0 || len(svc.Approval.Approvers) > 0) {
			rt.log.Warn("nobody can approve fixes that need named people while there are no keys; set OPSGUARD_API_KEYS", "service", svc.Name)
		}
	}
	return nil
}

// write puts the engine's writes into the same transactions as the store's.
func (rt *Runtime) write(put func(*bbolt.Tx) error) error {
	return rt.writer.Do(func(tx *bbolt.Tx) error {
		if err := put(tx); err != nil {
			return commit.Abort(err)
		}
		return nil
	})
}

func (rt *Runtime) openOutside(ctx context.Context, d Deps) (out outside, err error) {
	s := rt.settings
	if out.publicURL, err = link.ParsePublicURL(s.PublicURL); err != nil {
		return out, err
	}
	if out.linkKeys, err = linkKeys(s.LinkKeys, s.DataDir); err != nil {
		return out, err
	}
	if out.links, err = link.NewMaker(out.linkKeys, out.publicURL); err != nil {
		return out, err
	}
	if out.executor = d.Executor; out.executor == nil {
		builtIn, err := executor.Open(executor.Settings{Now: time.Now})
		if err != nil {
			return out, err
		}
		out.executor = builtIn
	}
	if out.tracker, err = ticket.Open(ticket.Settings{PublicURL: s.PublicURL, Now: time.Now}, rt.store); err != nil {
		return out, err
	}
	if out.channels, err = notify.Open(s.Notify, notify.Deps{
		Console: d.Console, Commands: console.Config{Keyless: s.APIKeys == "", PublicURL: s.PublicURL}, HTTP: http.DefaultTransport, After: time.After,
	}); err != nil {
		return out, err
	}
	if out.prober, err = probe.New(probe.Config{Transport: http.DefaultTransport, Timeout: 10 * time.Second, Now: time.Now, UserAgent: "OpsGuard/" + d.Version}); err != nil {
		return out, err
	}
	if s.Gemini.APIKey != "" {
		model, err := gemini.Open(ctx, s.Gemini, http.DefaultTransport)
		if err != nil {
			return out, err
		}
		out.analyst = model
	}
	return out, nil
}

// stepSet is every step, bound.
type stepSet struct {
	ingest      steps.IngestAlert
	analyze     steps.Analyze
	wait        steps.WaitForApproval
	approve     steps.ApproveFix
	execute     steps.ExecuteFix
	ticket      steps.CreateTicket
	resolution  steps.LogResolution
	healthCheck steps.HourlyHealthCheck
	query       steps.QueryIncidents
	reconcile   steps.Reconcile
}

func (rt *Runtime) steps(inv *inventory.Inventory, out outside, w *workflow) (s stepSet) {
	now := steps.Clock(time.Now)
	delivery := steps.Delivery{Waits: rt.store, Workflow: w}
	links := steps.DecidableLinks{Linker: out.links, Inventory: inv}
	people := steps.People{Store: rt.store, Channels: out.channels, Links: links, Now: now, Log: rt.log}
	s.ingest = steps.IngestAlert{Store: rt.store, Workflow: w, Inventory: inv, NewID: newID, Timeout: rt.settings.ApprovalTimeout, Delivery: &delivery, Now: now, Log: rt.log}
	s.analyze = steps.Analyze{Store: rt.store, Analyst: out.analyst, Inventory: inv, Now: now, Log: rt.log}
	s.wait = steps.WaitForApproval{Store: rt.store, Delivery: delivery, Inventory: inv, People: people, Now: now, Log: rt.log}
	s.approve = steps.ApproveFix{Store: rt.store, Delivery: delivery, Inventory: inv, People: people, Now: now, Log: rt.log}
	s.execute = steps.ExecuteFix{Store: rt.store, Executor: out.executor, Inventory: inv, Now: now, Log: rt.log}
	s.ticket = steps.CreateTicket{Store: rt.store, Tracker: out.tracker, Links: out.links, Now: now, Log: rt.log}
	s.resolution = steps.LogResolution{Store: rt.store, People: people, Now: now, Log: rt.log}
	s.healthCheck = steps.HourlyHealthCheck{Inventory: inv, Prober: out.prober, Ingest: s.ingest, Log: rt.log}
	s.query = steps.QueryIncidents{Store: rt.store}
	s.reconcile = steps.Reconcile{Store: rt.store, Workflow: w, Delivery: delivery, People: people, Ticket: s.ticket, Close: s.resolution, Tenant: tenant, Log: rt.log}
	return s
}

// stepBackFor is how long the first step of an incident makes way for alerts that
// are being accepted. All that follows waits for this step.
const stepBackFor = 100 * time.Millisecond

// tasks names the steps as the state machine's definition does.
func (s stepSet) tasks(alerts *accepting) map[string]engine.TaskFunc {
	analyze := task(s.analyze.Handle)
	return map[string]engine.TaskFunc{
		"${AnalyzeFunctionArn}": func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
			alerts.stepBack(ctx, stepBackFor)
			return analyze(ctx, payload)
		},
		"${WaitForApprovalFunctionArn}": task(func(ctx context.Context, in steps.WaitInput) (struct{}, error) {
			return struct{}{}, s.wait.Handle(ctx, in)
		}),
		"${ExecuteFixFunctionArn}":    task(s.execute.Handle),
		"${CreateTicketFunctionArn}":  task(s.ticket.Handle),
		"${LogResolutionFunctionArn}": task(s.resolution.Handle),
	}
}

// web makes the HTTP handler.
func (rt *Runtime) web(s stepSet, out outside, d Deps) (http.Handler, error) {
	c := web.Config{
		Ingest: s.ingest, Decide: s.approve, Read: s.query, Health: rt.health, Tickets: tickets{rt.store},
		LinkKeys: web.FixedLinkKeys(out.linkKeys), PublicURL: out.publicURL, Version: d.Version, Now: time.Now, Log: d.Log,
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

// newID makes an incident's id: its time, and 80 random bits.
func newID() string {
	return incident.IDFromULID(ulid.MustNew(ulid.Now(), rand.Reader).String())
}
