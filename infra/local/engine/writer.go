package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/asl"
)

// maxBatch bounds how many operations share a transaction, and so how long one keeps others from the file.
const maxBatch = 512

// retryWrite is the pause after a write that failed.
const retryWrite = time.Second

// errKilled, from a test's commit, ends the writer on the spot, as a kill would.
var errKilled = errors.New("killed")

type opKind int

const (
	opStart opKind = iota
	opEvent
	opFire
)

// op is one thing for the writer to do to one execution.
type op struct {
	name  string
	kind  opKind
	input json.RawMessage
	event asl.Event
	done  chan error // of capacity 1; nil where nobody waits, and then a failed write is repeated
	early bool       // it is answered once the step is taken, and not only once it is on disk

	err error // what the step said
}

// waits reports that somebody wants to hear of it once it is on disk.
func (o *op) waits() bool { return o.done != nil && !o.early }

// write is the only goroutine that changes the engine's buckets, so it can read before it opens the transaction, which
// then holds nothing but puts.
func (e *Engine) write() {
	defer close(e.written)
	var backlog []*op // what must not be lost, after a write that failed
	for {
		ops := backlog
		if len(backlog) == 0 {
			select {
			case o := <-e.queue:
				ops = []*op{o}
			case <-e.quit:
				if ops = e.drain(nil); len(ops) == 0 {
					e.unsynced.wait()
					return
				}
			}
		}
		ops = e.drain(ops)
		err := e.apply(ops)
		if errors.Is(err, errKilled) {
			return
		}
		if backlog = nil; err == nil {
			continue
		}
		e.cfg.Log.Error("workflow steps were not written; trying again", "steps", len(ops), "error", err)
		backlog = fail(ops, err)
		select {
		case <-time.After(retryWrite):
		case <-e.quit:
			return // they run again after the next Open
		}
	}
}

// drain adds to ops what waits in the queue.
func (e *Engine) drain(ops []*op) []*op {
	for len(ops) < maxBatch {
		select {
		case o := <-e.queue:
			ops = append(ops, o)
		default:
			return ops
		}
	}
	return ops
}

// fail answers those who wait, and gives back the operations that nobody else would repeat.
func fail(ops []*op, err error) []*op {
	var kept []*op
	for _, o := range ops {
		if o.done != nil {
			o.done <- err
			continue
		}
		kept = append(kept, o)
	}
	return kept
}

// apply takes the operations through their steps, hands the outcome to the disk, and acts on it. It does not wait for the
// disk: whatever a task that begins now will write is on disk only if this is, too.
func (e *Engine) apply(ops []*op) error {
	if err := e.unsynced.refused(); err != nil {
		return err
	}
	b := &batch{engine: e, now: e.cfg.Now(), entries: map[string]*entry{}, under: true}
	if err := b.steps(ops); err != nil {
		return err
	}
	if err := b.encode(); err != nil {
		return err
	}
	if err := e.store(b, ops); err != nil {
		return err
	}
	for _, name := range b.touched {
		e.timers.set(name, dueAt(b.entries[name].exec))
	}
	for _, one := range b.runs {
		e.runs.add(one)
	}
	for _, o := range ops {
		if len(b.changed) == 0 || !o.waits() {
			e.answer(o)
		}
	}
	e.prune(b.ended, b.now)
	return nil
}

// steps takes the operations through their steps. What is still on its way to the disk is taken from memory before the
// file is looked at, which shows it only later.
func (b *batch) steps(ops []*op) error {
	for _, o := range ops {
		if at, ok := b.engine.unsynced.get(o.name); ok && b.entries[o.name] == nil {
			b.add(o.name, &entry{exec: at.exec})
		}
	}
	return b.engine.cfg.DB.View(func(r commit.Reader) error {
		for _, o := range ops {
			o.err = b.safely(r, o)
		}
		return nil
	})
}

// store hands a batch to the disk. Those who wait for the disk are answered when it has it.
func (e *Engine) store(b *batch, ops []*op) error {
	if len(b.changed) == 0 {
		return nil
	}
	var waiting []*op
	for _, o := range ops {
		if o.waits() {
			waiting = append(waiting, o)
		}
	}
	undo := e.unsynced.add(b)
	err := e.cfg.commit(func() error {
		return e.cfg.DB.Soon(b.put, func(err error) {
			e.unsynced.told(b, err)
			for _, o := range waiting {
				if o.err == nil {
					o.err = err
				}
				e.answer(o)
			}
			waiting = nil
		})
	})
	if err != nil {
		undo()
		return err
	}
	e.remember(b)
	return nil
}

// remember notes what was stored.
func (e *Engine) remember(b *batch) {
	for _, name := range b.changed {
		at := b.entries[name]
		e.logEnd(at.exec)
		if at.exec.Finished() {
			e.recent.Delete(name)
			b.ended++
			continue
		}
		e.recent.keep(name, remembered{at.stored, at.exec, at.task})
	}
}

func (e *Engine) answer(o *op) {
	switch {
	case o.done != nil:
		o.done <- o.err
	case o.err != nil && !asl.IsStale(o.err) && !errors.Is(o.err, ErrExecutionAlreadyExists):
		e.cfg.Log.Error("workflow step failed", "execution", o.name, "error", o.err)
	}
}

func (e *Engine) logEnd(exec asl.Execution) {
	switch exec.Status {
	case asl.Succeeded:
		e.cfg.Log.Debug("execution succeeded", "execution", exec.Name)
	case asl.Failed, asl.TimedOut:
		e.cfg.Log.Error("execution failed", "execution", exec.Name, "status", exec.Status, "state", exec.State, "error", exec.Error, "cause", exec.Cause)
	}
}

// batch is the outcome of several steps before it is stored. A step sees what the ones before it in the batch did.
type batch struct {
	engine  *Engine
	now     time.Time
	entries map[string]*entry
	touched []string // names whose timers must be set, in order
	changed []string // names to store, in order
	runs    []run
	ended   int  // executions
	under   bool // it is under way to the disk; for unsynced
}

type entry struct {
	exec    asl.Execution // zero where there is no running one, and none ended in this batch
	task    *asl.RunTask  // what it runs after this batch
	changed bool
	stored  []byte
}

// safely keeps what a damaged part of the file does to one operation from the others.
func (b *batch) safely(r commit.Reader, o *op) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged("execution "+o.name, fmt.Errorf("%w: %v", dbfile.ErrDamaged, p))
		}
	}()
	return b.step(r, o)
}

func (b *batch) step(r commit.Reader, o *op) error {
	at, err := b.entry(r, o.name)
	if err != nil {
		return err
	}
	switch o.kind {
	case opStart:
		return b.start(r, at, o)
	case opFire:
		return b.fire(at)
	default:
		if at.exec.Status == "" {
			return b.unknown(r, o)
		}
		return b.next(at, b.engine.definitions[at.exec.Digest], o.event)
	}
}

func (b *batch) entry(r commit.Reader, name string) (*entry, error) {
	if at, ok := b.entries[name]; ok {
		return at, nil
	}
	exec, _, _, err := b.engine.recent.read(r, name)
	if err != nil {
		return nil, err
	}
	at := &entry{exec: exec}
	b.add(name, at)
	return at, nil
}

func (b *batch) add(name string, at *entry) {
	b.entries[name] = at
	b.touched = append(b.touched, name)
}

func (b *batch) start(r commit.Reader, at *entry, o *op) error {
	if at.exec.Status == asl.Running && bytes.Equal(at.exec.Input, o.input) {
		return nil
	}
	if at.exec.Status != "" {
		return ErrExecutionAlreadyExists
	}
	if _, kept := readEnded(r, o.name, b.now); kept {
		return ErrExecutionAlreadyExists
	}
	return b.next(at, b.engine.definition, asl.Start{Name: o.name, Input: o.input})
}

// fire delivers the timers that have come. Whatever is still to come is set again from the execution.
func (b *batch) fire(at *entry) error {
	for at.exec.Status == asl.Running && dueAt(at.exec) <= b.now.UnixMilli() {
		timer, _ := at.exec.Due()
		err := b.next(at, b.engine.definitions[at.exec.Digest], asl.TimerFired{Kind: timer.Kind, Attempt: timer.Attempt})
		if err != nil {
			return err
		}
	}
	return nil
}

// unknown answers an event for an execution that does not run.
func (b *batch) unknown(r commit.Reader, o *op) error {
	if _, callback := o.event.(asl.CallbackSucceeded); !callback {
		return asl.ErrStale
	}
	if _, kept := readEnded(r, o.name, b.now); kept {
		return ErrTaskTimedOut
	}
	return ErrTaskDoesNotExist
}

func (b *batch) next(at *entry, def *asl.Definition, event asl.Event) error {
	var noSecret error
	env := asl.Env{Now: b.now, Rand: b.engine.cfg.Random, NewToken: func(execution string, attempt int) asl.Token {
		token, err := newToken(b.engine.cfg.Secrets, execution, attempt)
		noSecret = errors.Join(noSecret, err)
		return token
	}}
	exec, commands, err := asl.Next(def, at.exec, event, env)
	if err = errors.Join(err, noSecret); err != nil {
		return err
	}
	at.exec, at.task = exec, nil
	if !at.changed {
		at.changed = true
		b.changed = append(b.changed, exec.Name)
	}
	for _, command := range commands {
		if command, ok := command.(asl.RunTask); ok {
			at.task = &command
			b.runs = append(b.runs, run{exec.Name, command.Attempt, command.Function})
		}
	}
	return nil
}
