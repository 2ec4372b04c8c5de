package aws

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// task makes a step's Handle what Lambda calls.
type task[In, Out any] struct {
	handle func(context.Context, In) (Out, error)
	log    *slog.Logger
}

// Task serves a step: JSON in, JSON out, and an error under the name that the
// state machine's Retry and Catch know it by.
func Task[In, Out any](log *slog.Logger, handle func(context.Context, In) (Out, error)) lambda.Handler {
	return task[In, Out]{handle, log}
}

// Scheduled serves a step that takes no input, whatever the schedule sends.
func Scheduled[Out any](log *slog.Logger, handle func(context.Context) (Out, error)) lambda.Handler {
	return Task(log, func(ctx context.Context, _ json.RawMessage) (Out, error) { return handle(ctx) })
}

// Invoke implements lambda.Handler.
func (t task[In, Out]) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) == 0 {
		payload = []byte("null")
	}
	var in In
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, t.failed(ctx, payload, incident.BadField("", "the step's input cannot be read"))
	}
	out, err := t.handle(ctx, in)
	if err != nil {
		return nil, t.failed(ctx, payload, err)
	}
	answer, err := json.Marshal(out)
	if err != nil {
		return nil, t.failed(ctx, payload, err)
	}
	return answer, nil
}

// failed logs an error whole and lets out what may stand in an execution's
// history: its name and what it says to whoever asked.
func (t task[In, Out]) failed(ctx context.Context, payload []byte, err error) error {
	name := steps.ErrorName(err)
	var about incident.Ref
	_ = json.Unmarshal(payload, &about) // a schedule's event is about no incident
	level, what := slog.LevelWarn, "the step failed"
	if name == steps.NameTargetBusy { // every few seconds while a fix waits for its turn
		level, what = slog.LevelDebug, "the step is called again soon"
	}
	t.log.Log(ctx, level, what, "incidentId", about.ID, "errorName", name, "error", err.Error())
	message := "the step failed; its log says why"
	var known *incident.Error
	if errors.As(err, &known) {
		message = known.Message
	}
	return messages.InvokeResponse_Error{Type: name, Message: message}
}
