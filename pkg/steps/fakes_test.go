package steps_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

// workflow records what the steps tell Step Functions.
type workflow struct {
	mu        sync.Mutex
	starts    []started
	delivered []delivered
	status    map[string]steps.ExecutionStatus // by incident id; running where not said

	onStart    func(ref incident.Ref) error
	onDeliver  func(token incident.TaskToken) error
	onDescribe func(ref incident.Ref) error
}

type started struct{ ID, Input string }

type delivered struct {
	Token  incident.TaskToken
	Output string
}

func newWorkflow() *workflow { return &workflow{status: map[string]steps.ExecutionStatus{}} }

func (w *workflow) Start(_ context.Context, ref incident.Ref, input json.RawMessage) error {
	w.mu.Lock()
	w.starts = append(w.starts, started{ref.ID, string(input)})
	w.mu.Unlock()
	if w.onStart != nil {
		return w.onStart(ref)
	}
	return nil
}

func (w *workflow) Deliver(_ context.Context, token incident.TaskToken, output json.RawMessage) error {
	w.mu.Lock()
	w.delivered = append(w.delivered, delivered{token, string(output)})
	w.mu.Unlock()
	if w.onDeliver != nil {
		return w.onDeliver(token)
	}
	return nil
}

func (w *workflow) Describe(_ context.Context, ref incident.Ref) (steps.ExecutionStatus, error) {
	if w.onDescribe != nil {
		if err := w.onDescribe(ref); err != nil {
			return "", err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.status[ref.ID]; ok {
		return s, nil
	}
	return steps.ExecutionRunning, nil
}

// channel records what people are shown.
type channel struct {
	name   string
	mu     sync.Mutex
	posts  []brief.Brief
	edits  []edit
	onPost func(b brief.Brief) error
	onEdit func() error
}

type edit struct {
	MessageID string
	Brief     brief.Brief
}

func (c *channel) Name() string { return c.name }

func (c *channel) Post(_ context.Context, b brief.Brief) (string, error) {
	if c.onPost != nil {
		if err := c.onPost(b); err != nil {
			return "", err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts = append(c.posts, b)
	return fmt.Sprintf("%s-%d", c.name, len(c.posts)), nil
}

func (c *channel) Edit(_ context.Context, messageID string, b brief.Brief) error {
	if c.onEdit != nil {
		if err := c.onEdit(); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.edits = append(c.edits, edit{messageID, b})
	return nil
}

// tracker opens tickets and records what each said.
type tracker struct {
	mu     sync.Mutex
	opened []brief.Brief
	told   []brief.Brief // what updates said
	onTell error
	calls  int // updates that were asked for
	onOpen func(ref incident.Ref) error
}

func (t *tracker) Name() string { return "fake" }

func (t *tracker) Open(_ context.Context, ref incident.Ref, b brief.Brief) (incident.Ticket, error) {
	t.mu.Lock()
	t.opened = append(t.opened, b)
	t.mu.Unlock()
	if t.onOpen != nil {
		if err := t.onOpen(ref); err != nil {
			return incident.Ticket{}, err
		}
	}
	return incident.Ticket{Tracker: "fake", Key: "T-" + ref.ID, URL: "http://tracker/" + ref.ID}, nil
}

func (t *tracker) Update(_ context.Context, _ incident.Ref, _ incident.Ticket, b brief.Brief) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	if t.onTell == nil {
		t.told = append(t.told, b)
	}
	return t.onTell
}

// executor counts how often it acted and how often it looked. It is that of every target.
type executor struct {
	mu       sync.Mutex
	runs     []incident.Plan
	undone   []steps.Order
	looks    int
	result   incident.Result
	verified bool // what a look sees that is not of a fix that was taken
	onRun    func(ctx context.Context)
	phases   []steps.Phase  // what the next looks see of a fix that was taken; then how result says that it ended
	present  incident.State // what is there now
	onLook   func() error
	blind    error // looking at how far it has come fails
	onUndo   func() steps.Acted
}

// For implements steps.Executors.
func (e *executor) For(incident.Target) (steps.Executor, error) { return e, nil }

// Digest implements steps.Executors.
func (e *executor) Digest(_ incident.Target, fixID string) (string, error) {
	return "does " + fixID, nil
}

func (e *executor) Look(context.Context, incident.Proposal) (incident.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.onLook != nil {
		return nil, e.onLook()
	}
	return e.present, nil
}

func (e *executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	return incident.Draft{Actions: []string{p.FixID}, Present: present, Wanted: incident.State{"revision": "41"},
		Undo: incident.Undo{Actions: []string{"undo " + p.FixID}, Wanted: present}}, nil
}

func newExecutor() *executor {
	return &executor{result: incident.Result{Outcome: incident.Fixed, Verified: true}}
}

func (e *executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	e.mu.Lock()
	e.runs = append(e.runs, o.Plan)
	e.mu.Unlock()
	if e.onRun != nil {
		e.onRun(ctx)
	}
	acted := steps.Acted{Outcome: e.result.Outcome, Steps: e.result.Steps}
	if acted.Outcome == incident.Fixed {
		acted.Outcome, acted.Receipt = "", incident.State{"id": "7"}
	}
	return acted
}

func (e *executor) Verify(_ context.Context, o steps.Order) (steps.Sight, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.blind != nil {
		return steps.Sight{}, e.blind
	}
	if o.Receipt["id"] == "" { // nobody has heard of it: what is seen is all there is
		e.looks++
		return steps.Sight{Phase: phase(e.verified), Steps: []incident.FixStep{{Name: "look", Status: "ok", At: epoch}}}, nil
	}
	if len(e.phases) > 0 {
		next := e.phases[0]
		e.phases = e.phases[1:]
		return steps.Sight{Phase: next}, nil
	}
	return steps.Sight{Phase: phase(e.result.Verified)}, nil
}

func phase(verified bool) steps.Phase {
	if verified {
		return steps.Verified
	}
	return steps.NotVerified
}

func (e *executor) Undo(_ context.Context, o steps.Order) steps.Acted {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.undone = append(e.undone, o)
	if e.onUndo != nil {
		return e.onUndo()
	}
	return steps.Acted{Receipt: incident.State{"id": "8"}}
}

// analyst answers as it is told and records what it was asked.
type analyst struct {
	answer steps.Answer
	err    error
	asked  []steps.Question
}

func (a *analyst) Name() incident.AnalyzedBy { return incident.ByGemini }

func (a *analyst) Analyze(_ context.Context, q steps.Question) (steps.Answer, error) {
	a.asked = append(a.asked, q)
	return a.answer, a.err
}

// prober finds what it is told, by service.
type prober struct {
	findings map[string][]steps.Finding
	takes    time.Duration

	mu            sync.Mutex
	probed        []string
	underWay, top int // probes
}

func (p *prober) Probe(_ context.Context, svc inventory.Service) []steps.Finding {
	p.count(1, svc.Name)
	<-time.After(p.takes)
	p.count(-1)
	return p.findings[svc.Name]
}

func (p *prober) count(n int, probed ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probed = append(p.probed, probed...)
	p.underWay += n
	p.top = max(p.top, p.underWay)
}
