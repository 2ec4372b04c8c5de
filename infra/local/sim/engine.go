package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// engine runs executions of the real definition: asl.Next decides every step, and
// what it decided is kept before it is acted on. Executions survive a crash;
// invocations, timers that are set, and starts not yet written do not, and are
// made anew from the executions at a restart.
type engine struct {
	w      *World
	defs   map[string]*asl.Definition // by digest; every one that was ever deployed
	execs  map[string]asl.Execution
	tokens map[incident.TaskToken]issued
	fixes  map[string]asl.RunTask // the last call of execute-fix, by execution
	life   int                    // counts restarts; what was scheduled in an earlier life is void

	unsynced []undoing // the steps that a crash may lose, in order
}

// undoing is how an execution was before a step.
type undoing struct {
	name   string
	before asl.Execution // zero: it had not been started
	at     time.Time
}

// issued is a task token that was ever given out.
type issued struct {
	execution string
	token     asl.Token
}

func newEngine(w *World) *engine {
	return &engine{w: w, defs: map[string]*asl.Definition{}, execs: map[string]asl.Execution{}, tokens: map[incident.TaskToken]issued{}, fixes: map[string]asl.RunTask{}}
}

func ref(execution string) incident.Ref {
	return incident.Ref{Tenant: incident.DefaultTenant, ID: execution}
}

// owner is whose token it is; the zero Ref for none of ours.
func (e *engine) owner(token incident.TaskToken) incident.Ref {
	if known, ok := e.tokens[token]; ok {
		return ref(known.execution)
	}
	return incident.Ref{}
}

// soon is after, unless the process dies before.
func (e *engine) soon(d time.Duration, do func()) {
	life := e.life
	e.w.after(d, func() {
		if e.life == life {
			do()
		}
	})
}

// Start implements steps.Starter.
func (e *engine) Start(_ context.Context, of incident.Ref, input json.RawMessage) error {
	if e.w.profile.softStart && e.w.profile.oneProcess {
		e.soon(e.w.latency(), func() { e.start(of.ID, input) })
		return nil
	}
	e.start(of.ID, input)
	return nil
}

func (e *engine) start(name string, input json.RawMessage) {
	if _, exists := e.execs[name]; !exists {
		e.apply(name, asl.Start{Name: name, Input: input})
	}
}

// Deliver implements steps.Deliverer.
func (e *engine) Deliver(_ context.Context, token incident.TaskToken, output json.RawMessage) error {
	known, ok := e.tokens[token]
	if !ok {
		return incident.Fail(incident.Conflict, incident.CodeTaskClosed, "no task has this token")
	}
	if err := e.apply(known.execution, asl.CallbackSucceeded{Token: known.token, Output: output}); err != nil {
		return &incident.Error{Kind: incident.Conflict, Code: incident.CodeTaskClosed, Message: "the workflow does not wait on this task token", Err: err}
	}
	return nil
}

// Describe implements steps.Describer.
func (e *engine) Describe(_ context.Context, of incident.Ref) (steps.ExecutionStatus, error) {
	exec, ok := e.execs[of.ID]
	switch {
	case !ok:
		return steps.ExecutionMissing, nil
	case exec.Finished():
		return steps.ExecutionEnded, nil
	}
	return steps.ExecutionRunning, nil
}

// runs reports whether an execution was started and has not ended.
func (e *engine) runs(name string) bool { return e.execs[name].Status == asl.Running }

// apply takes an execution one event further, keeps it, and acts.
func (e *engine) apply(name string, ev asl.Event) error {
	w := e.w
	exec := e.execs[name]
	def := e.defs[exec.Digest]
	if exec.Status == "" {
		def = w.deployed.def
	}
	next, commands, err := asl.Next(def, exec, ev, asl.Env{Now: w.now(), Rand: w.rng.Float64, NewToken: e.newToken})
	if err != nil {
		if !asl.IsStale(err) {
			w.blame("world", "the state machine failed on %T of %s: %v", ev, w.name(ref(name)), err)
		}
		return err
	}
	e.execs[name] = next
	if w.profile.softStart && w.profile.oneProcess {
		e.unsynced = append(e.unsynced, undoing{name, exec, w.now()})
	}
	if exec.Status != asl.Failed && next.Status == asl.Failed {
		w.ended(ref(name), maxTold)
	}
	w.note("workflow", fmt.Sprintf("%T", ev), w.name(ref(name)), fmt.Sprintf("%s %s %s %s", next.Status, next.State, next.Phase, next.Error))
	for _, command := range commands {
		switch command := command.(type) {
		case asl.RunTask:
			w.checkCalledAgain(ref(name), command)
			e.invoke(name, command)
		case asl.SetTimer:
			e.setTimer(name, command.Timer)
		}
	}
	return nil
}

func (e *engine) newToken(execution string, attempt int) asl.Token {
	token := asl.Token(fmt.Sprintf("tasktoken.%s.%d.%016x", execution, attempt, e.w.rng.Uint64()))
	e.tokens[incident.NewTaskToken(string(token))] = issued{execution, token}
	return token
}

func (e *engine) setTimer(name string, timer asl.Timer) {
	e.soon(timer.At.Sub(e.w.now()), func() {
		e.tell(name, asl.TimerFired{Kind: timer.Kind, Attempt: timer.Attempt})
	})
}

// tell is apply where nobody minds that it came too late.
func (e *engine) tell(name string, ev asl.Event) {
	if err := e.apply(name, ev); errors.Is(err, asl.ErrStale) {
		e.w.note("workflow", fmt.Sprintf("%T", ev), e.w.name(ref(name)), "too late")
	}
}

// slowest is how long a step may be on its way to the disk while nothing else is written.
const slowest = time.Second

// synced notes that the store has written something, and with it all steps before.
func (e *engine) synced() { e.unsynced = nil }

// lose has a crash lose the last steps, as many as the seed says: the engine acts on them
// before they are on disk. What the store wrote after a step keeps it.
func (e *engine) lose() {
	var last []undoing
	for _, u := range e.unsynced {
		if e.w.now().Sub(u.at) <= slowest {
			last = append(last, u)
		}
	}
	e.unsynced = nil
	if len(last) == 0 {
		return
	}
	last = last[e.w.rng.IntN(len(last)+1):]
	for _, u := range slices.Backward(last) {
		e.w.counts["lost step"]++
		e.w.note("workflow", "a step is lost", e.w.name(ref(u.name)), "")
		if e.execs[u.name] = u.before; u.before.Status == "" {
			delete(e.execs, u.name)
		}
	}
}

// restart reads every execution back and carries it on.
func (e *engine) restart() {
	e.life++
	for _, name := range slices.Sorted(maps.Keys(e.execs)) {
		exec, err := reread(e.execs[name])
		if err != nil {
			e.w.blame("world", "an execution cannot be read back: %v", err)
			continue
		}
		e.execs[name] = exec
		if exec.Finished() {
			continue
		}
		commands, err := asl.Pending(e.defs[exec.Digest], exec)
		if err != nil {
			e.w.blame("world", "an execution cannot be carried on: %v", err)
		}
		for _, command := range commands {
			switch command := command.(type) {
			case asl.RunTask:
				e.invoke(name, command)
			case asl.SetTimer:
				e.setTimer(name, command.Timer)
			}
		}
	}
}

// reread makes sure that an execution holds nothing but what can be written.
func reread(exec asl.Execution) (asl.Execution, error) {
	text, err := json.Marshal(exec)
	if err != nil {
		return exec, err
	}
	var back asl.Execution
	return back, json.Unmarshal(text, &back)
}
