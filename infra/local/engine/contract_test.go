package engine

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// asWorkflow binds the engine to what the steps ask for.
type asWorkflow struct{ *Engine }

func (w asWorkflow) Start(ctx context.Context, ref incident.Ref, input json.RawMessage) error {
	err := w.Engine.Start(ctx, ref.ID, input)
	if errors.Is(err, ErrExecutionAlreadyExists) {
		return nil
	}
	return err
}

func (w asWorkflow) Deliver(ctx context.Context, token incident.TaskToken, output json.RawMessage) error {
	return w.SendTaskSuccess(ctx, token, output)
}

func (w asWorkflow) Describe(ctx context.Context, ref incident.Ref) (steps.ExecutionStatus, error) {
	d, err := w.Engine.Describe(ctx, ref.ID)
	switch {
	case incident.KindOf(err) == incident.NotFound:
		return steps.ExecutionMissing, nil
	case d.Status == asl.Running:
		return steps.ExecutionRunning, err
	default:
		return steps.ExecutionEnded, err
	}
}

func TestEngineKeepsTheWorkflowContract(t *testing.T) {
	const definition = `{"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
		"Parameters":{"FunctionName":"ask","Payload":{"token.$":"$$.Task.Token"}},"TimeoutSeconds":60,"End":true}}}`
	stepstest.WorkflowContract(t, func(t *testing.T, test func(t *testing.T, s stepstest.Subject)) {
		inBubble(t, func(t *testing.T) {
			tokens := make(chan incident.TaskToken, 10)
			w := newWorld(t, definition, map[string]TaskFunc{"ask": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
				tokens <- incident.NewTaskToken(tokenIn(payload))
				return nil, nil
			}})
			defer w.close()
			test(t, stepstest.Subject{Workflow: asWorkflow{w.engine}, Tokens: tokens, Timeout: time.Minute, Pass: pass})
			synctest.Wait()
		})
	})
}
