package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Steps is every step, bound to one task. Hooks.Steps may change it: the ports of
// a step, or the steps as a whole that are given as functions.
type Steps struct {
	Ingest    steps.IngestAlert
	Analyze   steps.Analyze
	Plan      steps.PlanFix
	Wait      steps.WaitForApproval
	Approve   steps.ApproveFix
	Execute   steps.ExecuteFix
	Verify    steps.VerifyFix
	Undo      steps.UndoFix
	Ticket    steps.CreateTicket
	Close     steps.LogResolution
	Reconcile steps.Reconcile

	IngestAlert  func(context.Context, steps.IngestInput) (steps.Ingested, error)                 // Ingest's, unless replaced
	ApproveFix   func(context.Context, steps.ApproveFixInput) (steps.ApproveFixOutput, error)     // Approve's, unless replaced
	ExecuteFix   func(context.Context, incident.Ref) (steps.FixProgress, error)                   // Execute's, unless replaced
	VerifyFix    func(context.Context, incident.Ref) (steps.FixProgress, error)                   // Verify's, unless replaced
	UndoFix      func(context.Context, incident.Ref) (steps.FixProgress, error)                   // Undo's, unless replaced
	CreateTicket func(context.Context, steps.CreateTicketInput) (steps.CreateTicketOutput, error) // Ticket's, unless replaced
}

// Hooks let a test plant a bug. A nil hook changes nothing.
type Hooks struct {
	Store    func(*Memory) Store              // what stands before the store; its calls are one write each
	Workflow func(Workflow) Workflow          // what stands before the workflow
	Steps    func(*Steps)                     // called for every task
	key      func(key string, try int) string // what an acting call carries for its key
	session  func(rights []string) []string   // what the session of an acting call may do
	profile  func(*profile)                   // makes what the bug needs less rare
}

// defaultTimeout is how long people may take for a service that is not listed.
const defaultTimeout = 3 * time.Minute

// groupWindow is within what incidents are told of together.
const groupWindow = 2 * time.Minute

// steps binds the real steps to this task's view of the world.
func (t *task) steps() *Steps {
	w := t.w
	store, flow := storePort{t, w.store}, workflowPort{t, w.workflow}
	inv, log, now := t.deploy.inventory, w.log, steps.Clock(t.now)
	delivery := steps.Delivery{Waits: store, Workflow: flow}
	asked := steps.People{Store: store, Inventory: inv, Channels: t.channels(), Links: w.links,
		Together: steps.Together{Groups: store, Window: groupWindow}, Now: now, Log: log}
	lasting := &steps.Lasting{Store: store, Inventory: inv, Now: now, Log: log}
	people := asked
	people.Together.Alone = !w.profile.oneProcess
	s := &Steps{
		Ingest:  steps.IngestAlert{Store: store, Workflow: flow, Inventory: inv, NewID: w.newID, Timeout: defaultTimeout, Now: now, Log: log},
		Analyze: steps.Analyze{Store: store, Inventory: inv, Now: now, Log: log},
		Wait:    steps.WaitForApproval{Store: store, Delivery: delivery, People: asked, Now: now, Log: log},
		Approve: steps.ApproveFix{Store: store, Delivery: delivery, Inventory: inv, People: people, Now: now, Log: log},
		Plan:    steps.PlanFix{Store: store, Executors: platform{t}, Inventory: inv, Lasting: lasting, Now: now, Log: log},
		Execute: steps.ExecuteFix{Store: store, Executors: platform{t}, Inventory: inv, Fixes: store, Runner: w.runner(), Now: now, Log: log},
		Verify:  steps.VerifyFix{Store: store, Executors: platform{t}, Inventory: inv, Prober: prober{t}, Runner: w.runner(), Now: now, Log: log},
		Undo:    steps.UndoFix{Store: store, Executors: platform{t}, Runner: w.runner(), Now: now, Log: log},
		Ticket:  steps.CreateTicket{Store: store, Inventory: inv, Trackers: []steps.Tracker{tracker{t}}, Links: w.links, Now: now, Log: log},
		Close:   steps.LogResolution{Store: store, Lasting: lasting, People: people, Now: now, Log: log},
	}
	if w.profile.model {
		s.Analyze.Analyst = model{t}
	}
	s.Reconcile = steps.Reconcile{Store: store, Workflow: flow, Delivery: delivery, People: asked,
		Ticket: s.Ticket, Close: s.Close, Tenant: incident.DefaultTenant, Log: log}
	if w.profile.byRecord {
		s.Reconcile.Late = lateList{store}
	}
	if w.hooks.Steps != nil {
		w.hooks.Steps(s)
	}
	s.asTheyAre()
	return s
}

// runner names the process that runs now, where there is one at a time.
func (w *World) runner() string {
	if !w.profile.oneProcess {
		return ""
	}
	return fmt.Sprintf("life %d", w.engine.life)
}

// asTheyAre fills in what no hook has replaced.
func (s *Steps) asTheyAre() {
	if s.IngestAlert == nil {
		s.IngestAlert = s.Ingest.Handle
	}
	if s.ApproveFix == nil {
		s.ApproveFix = s.Approve.Handle
	}
	if s.ExecuteFix == nil {
		s.ExecuteFix = s.Execute.Handle
	}
	if s.VerifyFix == nil {
		s.VerifyFix = s.Verify.Handle
	}
	if s.UndoFix == nil {
		s.UndoFix = s.Undo.Handle
	}
	if s.CreateTicket == nil {
		s.CreateTicket = s.Ticket.Handle
	}
}

// newID makes an incident's id of the virtual time and the seed's randomness.
func (w *World) newID() string {
	var id ulid.ULID
	if err := id.SetTime(uint64(w.now().UnixMilli())); err != nil {
		w.blame("world", "no time for an id: %v", err)
	}
	for n := 6; n < len(id); n++ {
		id[n] = byte(w.rng.IntN(256))
	}
	return incident.IDFromULID(id.String())
}
