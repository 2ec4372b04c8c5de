package engine

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

// workflow is what steps need of a workflow, whichever runs it.
type workflow interface {
	Start(ctx context.Context, ref incident.Ref, input json.RawMessage) error
	Deliver(ctx context.Context, token incident.TaskToken, output json.RawMessage) error
	Describe(ctx context.Context, ref incident.Ref) (string, error) // missing, running or ended
}

// subject is a workflow under test. Its machine has one state, which waits for its token for a minute and fails then.
type subject struct {
	workflow
	Tokens <-chan incident.TaskToken // what the machine's function is called with
	Pass   func(time.Duration)       // lets time pass
}

// workflowContract holds for every workflow. Each case gets one of its own.
func workflowContract(t *testing.T, inSubject func(t *testing.T, test func(t *testing.T, s subject))) {
	ref := incident.Ref{Tenant: "default", ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	data := json.RawMessage(`{"a":1}`)
	cases := map[string]func(t *testing.T, s subject){
		"a start is seen, and repeating it starts nothing": func(t *testing.T, s subject) {
			wantDescribed(t, s, ref, "missing")
			must(t, s.Start(t.Context(), ref, data))
			wantDescribed(t, s, ref, "running")
			must(t, s.Start(t.Context(), ref, data))
			<-s.Tokens
			s.Pass(time.Second)
			if n := len(s.Tokens); n != 0 {
				t.Errorf("the function was called %d times more", n)
			}
		},
		"a start after the end is success and starts nothing": func(t *testing.T, s subject) {
			must(t, s.Start(t.Context(), ref, data))
			must(t, s.Deliver(t.Context(), <-s.Tokens, data))
			s.Pass(time.Second)
			wantDescribed(t, s, ref, "ended")
			must(t, s.Start(t.Context(), ref, data))
			wantDescribed(t, s, ref, "ended")
		},
		"of many deliveries one wins": func(t *testing.T, s subject) {
			must(t, s.Start(t.Context(), ref, data))
			token := <-s.Tokens
			results := make(chan error, 64)
			var senders sync.WaitGroup
			for range cap(results) {
				senders.Go(func() { results <- s.Deliver(t.Context(), token, data) })
			}
			senders.Wait()
			won := 0
			for range cap(results) {
				if err := <-results; err == nil {
					won++
				} else {
					wantClosed(t, err)
				}
			}
			if won != 1 {
				t.Errorf("%d of 64 deliveries won", won)
			}
		},
		"a late delivery is told": func(t *testing.T, s subject) {
			must(t, s.Start(t.Context(), ref, data))
			token := <-s.Tokens
			s.Pass(time.Minute + time.Second)
			wantDescribed(t, s, ref, "ended")
			wantClosed(t, s.Deliver(t.Context(), token, data))
		},
		"an unknown token is told": func(t *testing.T, s subject) {
			must(t, s.Start(t.Context(), ref, data))
			token := <-s.Tokens
			for _, text := range []string{"", "nonsense", token.Reveal() + "x", "x" + token.Reveal()} {
				wantClosed(t, s.Deliver(t.Context(), incident.NewTaskToken(text), data))
			}
			must(t, s.Deliver(t.Context(), token, data))
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) { inSubject(t, test) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantDescribed(t *testing.T, s subject, ref incident.Ref, want string) {
	t.Helper()
	if got, err := s.Describe(t.Context(), ref); err != nil || got != want {
		t.Fatalf("described as %q, %v; want %q", got, err, want)
	}
}

func wantClosed(t *testing.T, err error) {
	t.Helper()
	if incident.KindOf(err) != incident.Conflict || incident.CodeOf(err) != incident.CodeTaskClosed {
		t.Errorf("got %v, want a Conflict with %s", err, incident.CodeTaskClosed)
	}
}

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

func (w asWorkflow) Describe(ctx context.Context, ref incident.Ref) (string, error) {
	d, err := w.Engine.Describe(ctx, ref.ID)
	switch {
	case incident.KindOf(err) == incident.NotFound:
		return "missing", nil
	case d.Status == asl.Running:
		return "running", err
	default:
		return "ended", err
	}
}

func TestEngineKeepsTheWorkflowContract(t *testing.T) {
	const definition = `{"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
		"Parameters":{"FunctionName":"ask","Payload":{"token.$":"$$.Task.Token"}},"TimeoutSeconds":60,"End":true}}}`
	workflowContract(t, func(t *testing.T, test func(t *testing.T, s subject)) {
		inBubble(t, func(t *testing.T) {
			tokens := make(chan incident.TaskToken, 10)
			w := newWorld(t, definition, map[string]TaskFunc{"ask": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
				tokens <- incident.NewTaskToken(tokenIn(payload))
				return nil, nil
			}})
			defer w.close()
			test(t, subject{asWorkflow{w.engine}, tokens, pass})
			synctest.Wait()
		})
	})
}
