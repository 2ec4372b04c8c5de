package local

import (
	"context"
	"encoding/json"

	"github.com/opsguard/opsguard/infra/local/engine"
	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// workflow speaks the steps' ports with the engine.
type workflow struct{ engine *engine.Engine }

// name is an execution's name: the incident's id. Ids are unique across tenants.
func name(ref incident.Ref) string { return ref.ID }

// Start implements steps.Starter. The engine writes the start with its next
// transaction; a crash before that loses it, and reconcile, which runs at every
// start of the runtime, starts it again. So accepting an alert costs one fsync.
func (w workflow) Start(ctx context.Context, ref incident.Ref, input json.RawMessage) error {
	return w.engine.StartSoon(ctx, name(ref), input)
}

// Deliver implements steps.Deliverer. The decision is on disk, and reconcile delivers
// it again after a crash that loses this: so deciding costs one fsync, too.
func (w workflow) Deliver(ctx context.Context, token incident.TaskToken, output json.RawMessage) error {
	return w.engine.SendTaskSuccessSoon(ctx, token, output)
}

// Describe implements steps.Describer.
func (w workflow) Describe(ctx context.Context, ref incident.Ref) (steps.ExecutionStatus, error) {
	d, err := w.engine.Describe(ctx, name(ref))
	switch {
	case incident.KindOf(err) == incident.NotFound:
		return steps.ExecutionMissing, nil
	case err != nil:
		return "", err
	case d.Status == asl.Running:
		return steps.ExecutionRunning, nil
	}
	return steps.ExecutionEnded, nil
}

// task makes a step's Handle what the engine runs.
func task[In, Out any](handle func(context.Context, In) (Out, error)) engine.TaskFunc {
	return func(ctx context.Context, payload json.RawMessage) (json.RawMessage, error) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, incident.BadField("", "the step's input cannot be read: %v", err)
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}
