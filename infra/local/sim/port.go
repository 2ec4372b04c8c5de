package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// call is one call of one port.
type call struct {
	port  string
	about incident.Ref
	sys   system
	write bool // something is persisted: the process may die right after it
}

// call makes a port call: others run before it and may run before its answer is
// heard, and it may fail, succeed unheard, or be its process's last.
func (t *task) call(c call, do func() (string, error)) error {
	w := t.w
	if !t.pause(w.latency()) {
		return errKilled()
	}
	drawn := w.drawFault(c.sys)
	if drawn != noFault {
		w.counts["fault"]++
	}
	var result string
	var err error
	if drawn != faultBefore {
		w.active = t
		result, err = do()
		w.active = nil
	}
	switch {
	case drawn == faultBefore:
		err = incident.Unavail("simulated: it failed", nil)
	case drawn == faultAfter:
		result += " (answer lost)"
	}
	wrote := c.write && err == nil
	if wrote && c.sys == sysStore {
		w.engine.synced()
	}
	if err != nil {
		result = told(err)
	}
	w.note(t.actor, c.port, w.name(c.about), result)
	if drawn == faultAfter {
		err = incident.Unavail("simulated: the answer was lost", nil)
	}
	if wrote && w.chance(w.profile.crash) {
		w.die(t)
	}
	if w.rng.IntN(4) == 0 || w.crashing {
		t.pause(w.latency())
	}
	if t.dead {
		return errKilled()
	}
	return err
}

// die ends the process that a task runs in: with everything else where there is
// one process, else alone.
func (w *World) die(t *task) {
	if w.profile.oneProcess {
		w.crashing = true
		return
	}
	w.note(t.actor, "dies", "", "")
	t.dead = true
}

// storePort is the store as one task sees it.
type storePort struct {
	t *task
	s Store
}

// Load implements steps.Loader.
func (p storePort) Load(ctx context.Context, ref incident.Ref) (inc incident.Incident, err error) {
	err = p.t.call(call{port: "load", about: ref}, func() (string, error) {
		inc, err = p.s.Load(ctx, ref)
		return fmt.Sprintf("v%d %s", inc.Version, inc.Status), err
	})
	if err != nil {
		return incident.Incident{}, err
	}
	return inc, nil
}

// Commit implements steps.Incidents.
func (p storePort) Commit(ctx context.Context, c incident.Change) error {
	return p.t.call(call{port: "commit", about: c.Incident.Ref, write: true}, func() (string, error) {
		return fmt.Sprintf("v%d %s %s", c.Incident.Version, c.Event.Action, c.Event.Details["action"]), p.s.Commit(ctx, c)
	})
}

// Join implements steps.Dedup.
func (p storePort) Join(ctx context.Context, tenant, print string, says incident.Latest) (inc incident.Incident, err error) {
	err = p.t.call(call{port: "join", write: true}, func() (string, error) {
		inc, err = p.s.Join(ctx, tenant, print, says)
		return p.t.w.name(inc.Ref), err
	})
	if err != nil && incident.CodeOf(err) != incident.CodeLapsed {
		return incident.Incident{}, err
	}
	return inc, err
}

// Holder implements steps.Dedup.
func (p storePort) Holder(ctx context.Context, tenant, print string) (ref incident.Ref, err error) {
	err = p.t.call(call{port: "holder"}, func() (string, error) {
		ref, err = p.s.Holder(ctx, tenant, print)
		return p.t.w.name(ref), err
	})
	if err != nil {
		return incident.Ref{}, err
	}
	return ref, nil
}

// Evidence implements steps.EvidenceReader.
func (p storePort) Evidence(ctx context.Context, ref incident.Ref) (e incident.Evidence, err error) {
	err = p.t.call(call{port: "evidence", about: ref}, func() (string, error) {
		e, err = p.s.Evidence(ctx, ref)
		return "", err
	})
	return e, err
}

// Wait implements steps.Waits.
func (p storePort) Wait(ctx context.Context, ref incident.Ref) (wait incident.Wait, err error) {
	err = p.t.call(call{port: "wait", about: ref}, func() (string, error) {
		wait, err = p.s.Wait(ctx, ref)
		return fmt.Sprintf("retry %d", wait.RetryCount), err
	})
	if err != nil {
		return incident.Wait{}, err
	}
	return wait, nil
}

// Untold implements steps.Untold.
func (p storePort) Untold(ctx context.Context, tenant, after string) (list []steps.Lag, err error) {
	err = p.t.call(call{port: "untold"}, func() (string, error) {
		list, err = p.s.Untold(ctx, tenant, after)
		return fmt.Sprint(len(list)), err
	})
	return list, err
}

// UpdateGroup implements steps.Groups.
func (p storePort) UpdateGroup(ctx context.Context, tenant, key string, change func(*incident.Group)) error {
	return p.t.call(call{port: "group", write: true}, func() (string, error) { return key, p.s.UpdateGroup(ctx, tenant, key, change) })
}

// Told implements steps.Untold.
func (p storePort) Told(ctx context.Context, of steps.Lag) error {
	return p.t.call(call{port: "told", about: of.Ref, write: true}, func() (string, error) { return "", p.s.Told(ctx, of) })
}

// List implements steps.Lister.
func (p storePort) List(ctx context.Context, q steps.ListQuery) (page steps.Page, err error) {
	err = p.t.call(call{port: "list"}, func() (string, error) {
		page, err = p.s.List(ctx, q)
		return fmt.Sprintf("%s: %d", q.Status, len(page.Incidents)), err
	})
	if err != nil {
		return steps.Page{}, err
	}
	return page, nil
}

// lateList finds what is late as an index would: by the list.
type lateList struct{ storePort }

// Late implements steps.LateLister.
func (l lateList) Late(ctx context.Context, tenant string, now time.Time) (late []incident.Incident, err error) {
	for _, status := range incident.OpenStatuses() {
		q := steps.ListQuery{Tenant: tenant, Status: status, Limit: 100}
		for more := true; more; more = q.Cursor != "" {
			page, err := l.List(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, inc := range page.Incidents {
				if !inc.Due().After(now) {
					late = append(late, inc)
				}
			}
			q.Cursor = page.NextCursor
		}
	}
	return late, nil
}

// Events implements steps.Trail.
func (p storePort) Events(ctx context.Context, ref incident.Ref) (events []incident.Event, err error) {
	err = p.t.call(call{port: "events", about: ref}, func() (string, error) {
		events, err = p.s.Events(ctx, ref)
		return "", err
	})
	return events, err
}

// Workflow is what the steps ask of the workflow.
type Workflow interface {
	steps.Starter
	steps.Deliverer
	steps.Describer
}

// workflowPort is the workflow as one task sees it.
type workflowPort struct {
	t *task
	w Workflow
}

// Start implements steps.Starter.
func (p workflowPort) Start(ctx context.Context, ref incident.Ref, input json.RawMessage) error {
	return p.t.call(call{port: "start", about: ref, sys: sysWorkflow, write: true}, func() (string, error) {
		return "", p.w.Start(ctx, ref, input)
	})
}

// Deliver implements steps.Deliverer.
func (p workflowPort) Deliver(ctx context.Context, token incident.TaskToken, output json.RawMessage) error {
	return p.t.call(call{port: "deliver", about: p.t.w.engine.owner(token), sys: sysWorkflow, write: true}, func() (string, error) {
		return string(output), p.w.Deliver(ctx, token, output)
	})
}

// Describe implements steps.Describer.
func (p workflowPort) Describe(ctx context.Context, ref incident.Ref) (status steps.ExecutionStatus, err error) {
	err = p.t.call(call{port: "describe", about: ref, sys: sysWorkflow}, func() (string, error) {
		status, err = p.w.Describe(ctx, ref)
		return string(status), err
	})
	if err != nil {
		return "", err
	}
	return status, nil
}
