package semantics

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opsguard/opsguard/infra/local/bolt"
	"github.com/opsguard/opsguard/infra/local/commit"
	"github.com/opsguard/opsguard/infra/local/engine"
	"github.com/opsguard/opsguard/pkg/incident"
)

type outcome struct {
	Status string `json:"status"`
	Error  string `json:"error,omitempty"`
	Data   any    `json:"data,omitempty"` // what the last state was given
}

type testCase struct {
	Name     string          `json:"name"`
	StartAt  string          `json:"startAt"`
	States   map[string]any  `json:"states"`
	Input    json.RawMessage `json:"input"`
	Want     outcome         `json:"want"`
	Emulator *struct {
		Want    outcome `json:"want"`
		Because string  `json:"because"`
	} `json:"emulator"`
}

func cases(t *testing.T) (all []testCase) {
	t.Helper()
	b, err := os.ReadFile("cases.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// definition adds the state in which every good end is seen.
func (c testCase) definition(t *testing.T) []byte {
	t.Helper()
	states := map[string]any{"Report": map[string]any{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true,
		"Parameters": map[string]any{"FunctionName": "Report", "Payload.$": "$"}, "ResultSelector": map[string]any{"data.$": "$.Payload"}}}
	for name, s := range c.States {
		states[name] = s
	}
	b, err := json.Marshal(map[string]any{"StartAt": c.StartAt, "States": states})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// named is an error that has nothing but its name.
type named string

func (n named) Error() string { return string(n) }

// stub does what its payload says; semantics.py has its twin.
func stub(call func(token incident.TaskToken, output json.RawMessage) error) engine.TaskFunc {
	return func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
		var in struct {
			Return     json.RawMessage
			Error      named
			FailUntil  int
			RetryCount int
			Callback   json.RawMessage
			Token      incident.TaskToken
		}
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, named("BadStub")
		}
		if in.RetryCount < in.FailUntil {
			return nil, in.Error
		}
		if in.Callback != nil {
			if err := call(in.Token, in.Callback); err != nil {
				return nil, err
			}
		}
		return in.Return, nil
	}
}

func TestTheEngineMeansWhatTheTableSays(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if d := cmp.Diff(c.Want, run(t, c)); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		})
	}
}

// run takes a case to its end on the engine.
func run(t *testing.T, c testCase) (got outcome) {
	file, err := bolt.OpenFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	db := commit.New(file)
	defer db.Close()
	var e *engine.Engine
	tasks := map[string]engine.TaskFunc{
		"Report": func(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
			return payload, json.Unmarshal(payload, &got.Data)
		},
		"Stub": stub(func(token incident.TaskToken, output json.RawMessage) error {
			return e.SendTaskSuccess(context.Background(), token, output)
		}),
	}
	definition := c.definition(t)
	e, err = engine.Open(engine.Config{DB: db, Definition: definition, Tasks: tasks, Log: slog.New(slog.DiscardHandler),
		ErrorName: func(err error) string { return err.Error() }, Random: func() float64 { return 0.5 }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	if err := e.Start(t.Context(), "run", c.Input); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // of the bubble's clock: no case takes longer
	synctest.Wait()
	d, err := e.Describe(t.Context(), "run")
	if err != nil {
		t.Fatal(err)
	}
	got.Status, got.Error = string(d.Status), d.Error
	return got
}

func TestEveryDifferenceHasItsReason(t *testing.T) {
	for _, c := range cases(t) {
		if c.Emulator != nil && (c.Emulator.Because == "" || cmp.Equal(c.Emulator.Want, c.Want)) {
			t.Errorf("%s: names no difference, or no reason for it", c.Name)
		}
	}
}
