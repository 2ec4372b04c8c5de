package docker

import (
	"context"
	"net/url"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// statuses of a step; see incident.FixStep.
const (
	ok     = "ok"
	failed = "failed"
)

// complete is the fact of a receipt that says whether everything was asked for: yes, no,
// or not there where the last call may still be under way.
const complete = "complete"

// work is a fix, or its undoing, while it is done. It stops at the first failure.
type work struct {
	ctx     context.Context
	s       session
	now     func() time.Time
	told    []incident.FixStep
	began   bool // something was changed
	unsure  bool // a call may have changed something
	stopped bool
}

// works does a fix and says truthfully how far it came.
func (e *Executor) works(ctx context.Context, o steps.Order, do func(*work, steps.Order)) steps.Acted {
	w := &work{ctx: ctx, now: e.env.Now}
	if do == nil {
		w.refuse("undo", "it cannot be undone")
	} else if ctx.Err() != nil {
		w.refuse("begin", "the time was over before it began")
	} else if s, err := e.api.session(ctx); err != nil {
		w.refuse("begin", steps.Told(err))
	} else {
		w.s = s
		do(w, o)
	}
	switch acted := (steps.Acted{Steps: w.told, Receipt: incident.State{}}); {
	case !w.stopped:
		acted.Receipt[complete] = "yes"
		return acted
	case !w.began && !w.unsure:
		w.tell("result", failed, "nothing was changed")
		return steps.Acted{Outcome: incident.Failed, Steps: w.told}
	case !w.began:
		w.tell("result", failed, "whether Docker did what it was asked is not known")
		return steps.Acted{Outcome: incident.Unknown, Steps: w.told}
	case !w.unsure || o.Plan.FixID != restartService:
		acted.Receipt[complete] = "no"
		return acted
	default:
		return acted
	}
}

func (w *work) tell(name, status, detail string) {
	w.told = append(w.told, incident.FixStep{Name: name, Status: status, Detail: detail, At: incident.Stamp(w.now())})
}

// refuse stops before anything is changed.
func (w *work) refuse(name, why string) {
	w.stopped = true
	w.tell(name, failed, why)
}

// change does one thing, unless the work has stopped or its time is up.
func (w *work) change(name, detail string, do func() error) {
	switch {
	case w.stopped:
		return
	case w.ctx.Err() != nil:
		w.refuse(name, "the time was over before this")
		return
	}
	if err := do(); err != nil {
		w.stopped = true
		w.unsure = w.unsure || !changedNothing(err)
		w.tell(name, failed, steps.Told(err))
		return
	}
	w.began = true
	w.tell(name, ok, detail)
}

// post is change by one call about a container.
func (w *work) post(name, detail, id, verb string, body any) {
	w.change(name, detail, func() error {
		return w.s.post(w.ctx, "/containers/"+url.PathEscape(id)+verb, "container "+shown(id), body, nil)
	})
}

func (w *work) stop(id, name string)  { w.post("stop", name+" is stopped", id, "/stop", nil) }
func (w *work) start(id, name string) { w.post("start", name+" is started", id, "/start", nil) }

func (w *work) rename(id, from, to string) {
	w.post("rename", from+" is now "+to, id, query("/rename", "name", to), nil)
}

// create makes a container and returns its id. It is not started.
func (w *work) create(name string, body createBody) (id string) {
	w.change("create", name+" is made", func() error {
		var made struct {
			ID string `json:"Id"`
		}
		err := w.s.post(w.ctx, query("/containers/create", "name", name), "the image or network of "+shown(name), body, &made)
		id = made.ID
		if err == nil && id == "" {
			return unreadable("the new container")
		}
		return err
	})
	for network, at := range body.later {
		w.change("connect", name+" is in the network "+network, func() error {
			return w.s.post(w.ctx, "/networks/"+url.PathEscape(network)+"/connect", "network "+shown(network),
				map[string]any{"Container": id, "EndpointConfig": at}, nil)
		})
	}
	return id
}

func (w *work) remove(id, name string) {
	w.change("remove", name+" is removed", func() error { return w.s.remove(w.ctx, id, "container "+shown(name)) })
}

// read looks something up; a failure stops the work.
func (w *work) read(id string) (c container, there bool) {
	if w.stopped {
		return c, false
	}
	c, there, err := w.s.inspect(w.ctx, id)
	if err != nil {
		w.refuse("look", steps.Told(err))
	}
	return c, there
}
