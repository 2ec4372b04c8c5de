package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

// Start begins an execution; once it returns nil, the execution is on disk. The same name and input again, while it runs, is
// success and starts nothing. Otherwise a name that was used in the last 90 days is [ErrExecutionAlreadyExists].
func (e *Engine) Start(ctx context.Context, name string, input json.RawMessage) error {
	o, err := startOp(name, input)
	if err != nil {
		return err
	}
	return e.submit(ctx, o)
}

// StartSoon begins an execution with the next write to disk, and does not wait for it: a crash within that moment loses the
// start, so the caller needs a way to find what was never started. It waits only while the engine is behind by a full queue.
func (e *Engine) StartSoon(ctx context.Context, name string, input json.RawMessage) error {
	o, err := startOp(name, input)
	if err != nil {
		return err
	}
	o.done = nil
	if !e.enqueue(o, ctx.Done()) {
		return classify(e.whyNot(ctx))
	}
	return nil
}

// SendTaskSuccess finishes the task that waits with this token, also one whose function has not returned yet. Once it returns
// nil, output is on disk as the task's result. A token nothing waits for any more is an [incident.Error] with
// CodeTaskClosed, in which errors.Is finds [ErrTaskTimedOut], [ErrTaskDoesNotExist] or [ErrInvalidToken].
func (e *Engine) SendTaskSuccess(ctx context.Context, token incident.TaskToken, output json.RawMessage) error {
	return e.send(ctx, token, output, false)
}

func (e *Engine) send(ctx context.Context, token incident.TaskToken, output json.RawMessage, early bool) error {
	name, err := tokenExecution(token.Reveal())
	if err != nil {
		return classify(err)
	}
	event := asl.CallbackSucceeded{Token: asl.Token(token.Reveal()), Output: output}
	return e.submit(ctx, &op{name: name, kind: opEvent, event: event, done: make(chan error, 1), early: early})
}

// SendTaskSuccessSoon is SendTaskSuccess that does not wait for the disk: a crash within that moment loses the result, and then
// the task still waits for its token. The caller needs a way to find what it has to send again.
func (e *Engine) SendTaskSuccessSoon(ctx context.Context, token incident.TaskToken, output json.RawMessage) error {
	return e.send(ctx, token, output, true)
}

// Description is what Describe tells of an execution.
type Description struct {
	Status    asl.Status
	State     string // the current or the last
	StartedAt time.Time
	EndedAt   time.Time // zero while it runs
	Error     string
	Cause     string
}

// Describe tells how an execution stands, or stood when it ended within the last 90 days; else it is [incident.NotFound].
func (e *Engine) Describe(ctx context.Context, name string) (Description, error) {
	var d Description
	if !validName(name) {
		return d, badName(name)
	}
	if err := ctx.Err(); err != nil {
		return d, classify(err)
	}
	if at, ok := e.unsynced.get(name); ok {
		record := endedRecord(at.exec)
		return Description{record.Status, record.State, record.StartedAt, record.EndedAt, record.Error, record.Cause}, nil
	}
	exists := false
	err := e.cfg.DB.View(func(r commit.Reader) error {
		exec, running, err := readRunning(r, name)
		if exists = running || err != nil; exists {
			d = Description{Status: exec.Status, State: exec.State, StartedAt: exec.StartedAt}
			if err != nil { // nothing can carry it on, and the next Open ends it
				d = Description{Status: asl.Failed, Error: errorDamaged, Cause: err.Error()}
			}
			return nil
		}
		record, kept := readEnded(r, name, e.cfg.Now())
		exists = kept
		d = Description{record.Status, record.State, record.StartedAt, record.EndedAt, record.Error, record.Cause}
		return nil
	})
	switch {
	case err != nil:
		return Description{}, classify(err)
	case !exists:
		return Description{}, notFound(name)
	default:
		return d, nil
	}
}

func startOp(name string, input json.RawMessage) (*op, error) {
	if !validName(name) {
		return nil, badName(name)
	}
	// What is stored is compact, and a start with the same input is told by comparing the two.
	var compact bytes.Buffer
	if err := json.Compact(&compact, input); err != nil {
		return nil, classify(errors.Join(asl.ErrInvalidInput, err))
	}
	return &op{name: name, kind: opStart, input: compact.Bytes(), done: make(chan error, 1)}, nil
}

// submit hands an operation to the writer and waits until it is on disk, or its step taken, or it is refused.
func (e *Engine) submit(ctx context.Context, o *op) error {
	if !e.enqueue(o, ctx.Done()) {
		return classify(e.whyNot(ctx))
	}
	select {
	case err := <-o.done:
		return classify(err)
	case <-ctx.Done():
		return classify(ctx.Err())
	case <-e.written:
	}
	// The writer may have answered just before it ended.
	select {
	case err := <-o.done:
		return classify(err)
	default:
		return classify(ErrClosed)
	}
}

func (e *Engine) whyNot(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// enqueue gives up, and tells so, when the engine closes or giveUp does.
func (e *Engine) enqueue(o *op, giveUp <-chan struct{}) bool {
	select {
	case <-e.quit:
		return false
	default:
	}
	select {
	case e.queue <- o: // there is room: better than to give up
		return true
	default:
	}
	select {
	case e.queue <- o:
		return true
	case <-e.quit:
		return false
	case <-giveUp:
		return false
	}
}
