package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/stepfn"
	"github.com/opsguard/opsguard/pkg/steps"
)

// recorder is a step that keeps what it was called with; what it does is tested in
// pkg/steps, on a store.
type recorder struct {
	runs  int
	ended []string
	fails string // the incident that it cannot finish
}

func (r *recorder) Handle(context.Context) (steps.ReconcileReport, error) {
	r.runs++
	return steps.ReconcileReport{Open: 1}, nil
}

func (r *recorder) Ended(_ context.Context, ref incident.Ref) error {
	r.ended = append(r.ended, ref.String())
	if ref.ID == r.fails {
		return errors.New("the tracker is out of reach")
	}
	return nil
}

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../events/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// batch is what Lambda makes of messages of a queue.
func batch(t *testing.T, bodies ...string) []byte {
	t.Helper()
	var in call
	for n, body := range bodies {
		in.Records = append(in.Records, message{ID: string(rune('a' + n)), Body: body})
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReconcileIsCalledByTheScheduleAndByTheQueue(t *testing.T) {
	const first, second = "INC-01KAS6Y5Q0Y1E2R3T4Y5V6W7X8", "INC-01KAS6Y5Q0Y1E2R3T4Y5V6W7X9"
	event := sample(t, "execution-ended")
	machine := stepfn.Settings{StateMachineARN: "arn:aws:states:us-east-1:123456789012:stateMachine:opsguard-incident"}
	for name, c := range map[string]struct {
		call   []byte
		fails  string
		runs   int
		ended  []string
		answer string
	}{
		"the schedule": {[]byte(sample(t, "reconcile")), "", 1, nil, `{"open":1,`},
		"by hand":      {nil, "", 1, nil, `{"open":1,`},
		"two ends": {batch(t, event, strings.ReplaceAll(event, first, second)), "", 0,
			[]string{"default/" + first, "default/" + second}, `{"batchItemFailures":[]}`},
		"one of two cannot be finished": {batch(t, event, strings.ReplaceAll(event, first, second)), first, 0,
			[]string{"default/" + first, "default/" + second}, `{"batchItemFailures":[{"itemIdentifier":"a"}]}`},
		"one of two is no such event": {batch(t, `{"source":"aws.s3"}`, event), "", 0,
			[]string{"default/" + first}, `{"batchItemFailures":[{"itemIdentifier":"a"}]}`},
	} {
		log, r := new(bytes.Buffer), &recorder{fails: c.fails}
		h := handler(slog.New(slog.NewJSONHandler(log, nil)), machine.Ended, func(context.Context) (step, error) { return r, nil })
		answer, err := h.Invoke(t.Context(), c.call)
		if err != nil || !strings.HasPrefix(string(answer), c.answer) || r.runs != c.runs || !slices.Equal(r.ended, c.ended) {
			t.Errorf("%s: %s, %v; %d runs, ended %v", name, answer, err, r.runs, r.ended)
		}
		if c.fails != "" && !strings.Contains(log.String(), c.fails) {
			t.Errorf("%s: the log does not name the incident: %s", name, log)
		}
	}
}

// A queue's whole batch comes again when the function fails.
func TestABatchIsKeptWhileReconcileCannotStart(t *testing.T) {
	h := handler(slog.New(slog.DiscardHandler), stepfn.Settings{}.Ended, func(context.Context) (step, error) { return nil, errors.New("no key") })
	if answer, err := h.Invoke(t.Context(), batch(t, sample(t, "execution-ended"))); err == nil {
		t.Errorf("answered %s", answer)
	}
}
