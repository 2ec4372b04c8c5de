package sim

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
)

// World is one simulated world: OpsGuard, and everybody around it.
type World struct {
	schedule
	rng      *rand.Rand
	profile  profile
	fixtures *Fixtures
	hooks    Hooks

	deployed *deployment
	memory   *Memory
	store    Store
	engine   *engine
	workflow Workflow
	links    link.Maker

	stepNames map[string]string // by the definition's function names

	tasks    []*task
	active   *task // whose port call is being carried out
	crashing bool  // the process dies as soon as the running task pauses
	down     bool
	settling bool
	outage   [systems]time.Duration // until when

	log     *slog.Logger
	logText bytes.Buffer

	// What the world knows and OpsGuard does not.
	troubles      []trouble
	echoes        int
	secrets       []string
	sendings      []sending
	answers       []answer
	named         map[naming]bool
	acts          []*act
	sites         map[string]*site // real targets, by key
	orders        map[string]int   // how often each was given to an executor
	counts        map[string]int   // of what the store does not show, for seen
	sent          []message
	tickets       map[incident.Ref]incident.Ticket
	modelAnswered map[incident.Ref]bool
	linkTokens    map[string]bool
	toldOf        map[string]bool // channel and incident: people there were told of it
	writes        []write
	stopped       []span // when the kill switch was set

	trace  []line
	names  map[string]string
	blamed []Violation
}

// write is one change that was written, and by whom.
type write struct {
	change incident.Change
	at     time.Time
	deploy *deployment
	by     string // the task
	life   int    // of the engine, and where there is one process, of that
}

func newWorld(f *Fixtures, seed uint64, h Hooks) (*World, error) {
	w := &World{
		rng: rand.New(rand.NewPCG(seed, 0x5eed)), fixtures: f, hooks: h, memory: NewMemory(),
		tickets: map[incident.Ref]incident.Ticket{}, modelAnswered: map[incident.Ref]bool{},
		linkTokens: map[string]bool{}, toldOf: map[string]bool{}, names: map[string]string{}, stepNames: map[string]string{},
		sites: map[string]*site{}, orders: map[string]int{}, counts: map[string]int{}, named: map[naming]bool{},
	}
	w.tie = w.rng.Uint32
	w.profile = newProfile(w.rng)
	w.profile.grouped = seed%4 == 3
	if h.profile != nil {
		h.profile(&w.profile)
	}
	w.log = slog.New(slog.NewTextHandler(&w.logText, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	w.memory.onWrite = w.wrote
	w.engine = newEngine(w)
	w.store, w.workflow = w.memory, w.engine
	if h.Store != nil {
		w.store = h.Store(w.memory)
	}
	if h.Workflow != nil {
		w.workflow = h.Workflow(w.engine)
	}
	var err error
	if w.links, err = link.NewMaker(f.keys, f.url); err != nil {
		return nil, err
	}
	for _, def := range f.definitions {
		w.engine.defs[def.Digest()] = def
		for _, state := range def.States() {
			if state.FunctionName != "" {
				w.stepNames[state.FunctionName] = state.Name
			}
		}
	}
	w.deployed = &deployment{1, f.of(w.profile)[0], f.definitions[0]}
	return w, nil
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// reconcileInterval is the product's default.
const reconcileInterval = 5 * time.Minute

// live runs the world until it has settled.
func (w *World) live() {
	w.makeTroubles()
	for range w.profile.outages {
		sys := system(w.rng.IntN(int(systems)))
		at := time.Duration(w.rng.Int64N(int64(w.profile.faultsEnd)))
		w.after(at, func() { w.fails(sys, time.Duration(1+w.rng.IntN(1800))*time.Second) })
	}
	if !w.profile.faultless() && w.rng.IntN(3) == 0 {
		w.after(time.Duration(w.rng.Int64N(int64(w.profile.faultsEnd)+1)), w.stopFixes)
	}
	w.recur(w.latency(), w.reconcileTick)
	w.run()
	w.killAll()
}

const (
	// settleTicks is how many reconcile runs a world gets after everything else has
	// come to rest.
	settleTicks = 6
	// recordTicks is the same where reconcile goes by the record: until the longest
	// deadline is over, and the time that a ticket may take.
	recordTicks = 36
	// tooMany events mean that a world never comes to rest.
	tooMany = 200_000
)

func (w *World) run() {
	events, ticks, wanted := 0, 0, settleTicks
	if w.profile.byRecord {
		wanted = recordTicks
	}
	for ticks < wanted {
		if w.waiting == 0 && len(w.tasks) == 0 {
			w.settling = true
			ticks++
		}
		if events++; events > tooMany {
			w.blame("world", "it does not come to rest: %d events", tooMany)
			return
		}
		if !w.next() {
			return
		}
	}
}

// fails puts a system out of order for a while.
func (w *World) fails(sys system, d time.Duration) {
	w.outage[sys] = w.clock + d
	w.note("world", "outage", "", fmt.Sprintf("of %s for %s", systemNames[sys], d))
}

const reconcileActor = "reconcile"

// reconcileTick is the schedule's.
func (w *World) reconcileTick() {
	w.recur(reconcileInterval, w.reconcileTick)
	w.reconcile()
}

func (w *World) reconcile() {
	if w.down {
		return
	}
	w.spawn(reconcileActor, true, func(t *task) {
		report, err := t.steps().Reconcile.Handle(context.Background())
		if err != nil {
			w.note(t.actor, "fails", "", told(err))
			return
		}
		w.note(t.actor, "reports", "", fmt.Sprintf("%+v", report))
	})
}

// A queue hands a message out this often, so long after the last time.
const (
	maxTold   = 5
	tellAgain = 30 * time.Minute
)

// ended tells reconcile of an execution that failed, where it is told: now and then
// the event is lost on the way, as EventBridge may lose it.
func (w *World) ended(of incident.Ref, times int) {
	if !w.profile.byRecord || times == 0 {
		return
	}
	w.after(w.latency(), func() {
		if w.chance(w.profile.lost) {
			w.note("world", "an end is not told", w.name(of), "")
			return
		}
		w.spawn(reconcileActor, true, func(t *task) {
			if err := t.steps().Reconcile.Ended(context.Background(), of); err != nil {
				w.note(t.actor, "fails", w.name(of), told(err))
				w.after(tellAgain, func() { w.ended(of, times-1) })
			}
		})
	})
}

// crash ends the one process there is; another comes up after a while.
func (w *World) crash() {
	w.crashing = false
	w.note("world", "crash", "", "")
	w.engine.lose()
	w.restartAfter(w.downtime())
}

func (w *World) restartAfter(d time.Duration) {
	w.down = true
	w.engine.life++
	w.killAll()
	w.after(d, func() {
		w.down = false
		w.note("world", "restart", "", fmt.Sprintf("deployment %d", w.deployed.number))
		w.engine.restart()
		w.reconcile()
	})
}

func (w *World) downtime() time.Duration {
	switch r := w.rng.IntN(20); {
	case r < 12:
		return time.Duration(w.rng.IntN(5000)) * time.Millisecond
	case r < 17:
		return time.Duration(10+w.rng.IntN(170)) * time.Second
	}
	return time.Duration(5+w.rng.IntN(35)) * time.Minute
}

// redeploy brings another services.yaml, and perhaps another definition. One
// process is restarted for it; elsewhere what runs finishes on the old one.
func (w *World) redeploy() {
	if w.down || w.settling {
		return
	}
	byVariant := w.fixtures.of(w.profile)
	w.deployed = &deployment{w.deployed.number + 1, byVariant[w.rng.IntN(len(byVariant))], w.fixtures.definitions[w.rng.IntN(len(w.fixtures.definitions))]}
	w.note("world", "deployment", "", fmt.Sprint(w.deployed.number))
	if w.profile.oneProcess {
		w.restartAfter(time.Duration(w.rng.IntN(3000)) * time.Millisecond)
	}
}

// wrote is told every change that the store has written.
func (w *World) wrote(c incident.Change) {
	written := write{change: c, at: w.now(), deploy: w.deployed, life: w.engine.life}
	if w.active != nil {
		written.deploy, written.by = w.active.deploy, w.active.actor
	}
	w.writes = append(w.writes, written)
	ends := c.Event.Action == incident.EventResolved || c.Event.Action == incident.EventEscalated
	if ends && w.active != nil && w.active.actor == reconcileActor && w.engine.runs(c.Incident.ID) {
		w.blame(invReconcile, "%s: reconcile ended it while its execution was running", w.name(c.Incident.Ref))
	}
	switch c.Event.Action {
	case incident.EventDecided, incident.EventFixFinished, incident.EventTicket, incident.EventResolved, incident.EventEscalated:
		w.echo(c.Incident, 100*time.Millisecond)
	}
	if d := c.Incident.Decision; c.Event.Action == incident.EventDecided && d.Action == incident.Approve {
		w.maybe(w.profile.redeploy, time.Second, w.redeploy)
		w.maybe(w.profile.recover, time.Second, func() { w.recovery(c.Incident.Ref) })
	}
	switch c.Event.Action {
	case incident.EventAsked, incident.EventDecided, incident.EventFixStarted, incident.EventUndoStarted:
		if plan := c.Incident.Plan; plan != nil {
			w.maybe(w.profile.drift, 2*time.Second, func() { w.drift(plan.Target) })
		}
	}
	if c.Event.Action == incident.EventFixRefused {
		w.engine.fixAgain(c.Incident.ID)
	}
	w.checkProgress(written)
	w.holdUp(c)
}

// holdUp puts out of order what would come next after a change, for so long that
// what was true when it was written may not be when it is acted on.
func (w *World) holdUp(c incident.Change) {
	if !w.chance(w.profile.holdUp) {
		return
	}
	d := time.Duration(1+w.rng.IntN(40)) * time.Minute
	switch c.Event.Action {
	case incident.EventDecided:
		w.fails(sysWorkflow, d)
	case incident.EventFixRefused:
		w.fails(sysTracker, d)
	}
}

// blame records that something is wrong.
func (w *World) blame(invariant, format string, args ...any) {
	w.blamed = append(w.blamed, Violation{invariant, fmt.Sprintf(format, args...)})
}
