package local

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// askAgainAfter is when an incident is asked about again whose channel did not say how
// long it is out of reach.
const askAgainAfter = 10 * time.Second

// asker asks people again about incidents whose channel was out of reach, the most
// severe first: behind a flood that uses up a channel's limit, a critical incident must
// not wait for its turn. It keeps its list in memory; what is lost with the process,
// reconcile makes good.
type asker struct {
	now   func() time.Time
	log   *slog.Logger
	added chan struct{} // holds one when there may be something new

	mu   sync.Mutex
	list map[incident.Ref]toAsk
}

type toAsk struct {
	severity incident.Severity
	since    time.Time // when the incident was opened
	due      time.Time
}

func newAsker(now func() time.Time, log *slog.Logger) *asker {
	return &asker{now: now, log: log, added: make(chan struct{}, 1), list: map[incident.Ref]toAsk{}}
}

// later has an incident asked about again, after askAgainAfter if the channel named no
// time: steps.People's Later.
func (a *asker) later(inc incident.Incident, after time.Duration) {
	if after <= 0 {
		after = askAgainAfter
	}
	a.add(inc, a.now().Add(after))
}

// soon has an incident asked about at once: steps.IngestAlert's Raised.
func (a *asker) soon(inc incident.Incident) { a.add(inc, a.now()) }

func (a *asker) add(inc incident.Incident, due time.Time) {
	a.mu.Lock()
	a.list[inc.Ref] = toAsk{inc.Severity, inc.CreatedAt, due}
	a.mu.Unlock()
	select {
	case a.added <- struct{}{}:
	default:
	}
}

// next takes the most severe of those that are due, the oldest of these; else it says
// how long until one is.
func (a *asker) next() (ref incident.Ref, wait time.Duration, found bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	wait = time.Hour
	var best toAsk
	for r, w := range a.list {
		if left := w.due.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		if !found || w.before(best) {
			ref, best, found = r, w, true
		}
	}
	delete(a.list, ref)
	return ref, wait, found
}

func (w toAsk) before(other toAsk) bool {
	if w.severity != other.severity {
		return w.severity.Above(other.severity)
	}
	return w.since.Before(other.since)
}

// run asks until ctx ends.
func (a *asker) run(ctx context.Context, store steps.Loader, people steps.People) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.added:
		case <-timer.C:
		}
		for {
			ref, wait, found := a.next()
			if !found {
				timer.Reset(wait)
				break
			}
			if ctx.Err() != nil {
				return
			}
			a.ask(context.WithoutCancel(ctx), ref, store, people)
		}
	}
}

func (a *asker) ask(ctx context.Context, ref incident.Ref, store steps.Loader, people steps.People) {
	inc, err := store.Load(ctx, ref)
	if err == nil {
		err = people.Ask(ctx, inc)
	}
	if err != nil {
		a.log.DebugContext(ctx, "people could not be told again", "incidentId", ref.ID, "error", err.Error())
	}
}

// patient is a channel that takes no message while it has asked not to be called. So the
// moment in which it takes some again belongs to the asker, and with it to the most
// severe.
type patient struct {
	steps.Channel
	now func() time.Time

	mu    sync.Mutex
	until time.Time
}

// Post implements steps.Channel.
func (p *patient) Post(ctx context.Context, b brief.Brief) (id string, err error) {
	err = p.call(func() (err error) { id, err = p.Channel.Post(ctx, b); return err })
	return id, err
}

// Edit implements steps.Channel. Edits use up the same limit, and those of a group ask people.
func (p *patient) Edit(ctx context.Context, messageID string, b brief.Brief) error {
	return p.call(func() error { return p.Channel.Edit(ctx, messageID, b) })
}

func (p *patient) call(do func() error) error {
	p.mu.Lock()
	wait := p.until.Sub(p.now())
	p.mu.Unlock()
	if wait > 0 {
		return incident.Limited("the channel "+p.Name()+" is over its limit", wait)
	}
	err := do()
	if after := incident.WaitOf(err); after > 0 {
		p.mu.Lock()
		p.until = p.now().Add(after)
		p.mu.Unlock()
	}
	return err
}
