package stepstest

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Workflow is every port that a workflow implements.
type Workflow interface {
	steps.Starter
	steps.Deliverer
	steps.Describer
}

// Subject is a workflow under test. Its machine has one state, which waits for
// its token for Timeout and fails then.
type Subject struct {
	Workflow
	Tokens  <-chan incident.TaskToken // what the machine's function is called with
	Timeout time.Duration
	Pass    func(time.Duration) // lets time pass
	// SeveralMayWin: of deliveries that arrive at the same moment more than one may be
	// taken, which an emulator is known to do and AWS is not.
	SeveralMayWin bool
}

// WorkflowContract runs the workflow's contract. inSubject gives each case a subject of its own
// and must return only when the case is over.
func WorkflowContract(t *testing.T, inSubject func(t *testing.T, test func(t *testing.T, s Subject))) {
	data := json.RawMessage(`{"a":1}`)
	cases := map[string]func(t *testing.T, s Subject){
		"a start is seen, and repeating it starts nothing": func(t *testing.T, s Subject) {
			ref := newRef(incident.DefaultTenant)
			wantDescribed(t, s, ref, steps.ExecutionMissing)
			must(t, s.Start(t.Context(), ref, data))
			wantDescribed(t, s, ref, steps.ExecutionRunning)
			must(t, s.Start(t.Context(), ref, data))
			<-s.Tokens
			s.Pass(time.Second)
			if n := len(s.Tokens); n != 0 {
				t.Errorf("the function was called %d times more", n)
			}
		},
		"a start after the end is success and starts nothing": func(t *testing.T, s Subject) {
			ref := newRef(incident.DefaultTenant)
			must(t, s.Start(t.Context(), ref, data))
			must(t, s.Deliver(t.Context(), <-s.Tokens, data))
			s.Pass(time.Second)
			wantDescribed(t, s, ref, steps.ExecutionEnded)
			must(t, s.Start(t.Context(), ref, data))
			wantDescribed(t, s, ref, steps.ExecutionEnded)
		},
		"of many deliveries one wins": func(t *testing.T, s Subject) {
			ref := newRef(incident.DefaultTenant)
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
			if won == 0 || won > 1 && !s.SeveralMayWin {
				t.Errorf("%d of 64 deliveries won", won)
			}
		},
		"a late delivery is told": func(t *testing.T, s Subject) {
			ref := newRef(incident.DefaultTenant)
			must(t, s.Start(t.Context(), ref, data))
			token := <-s.Tokens
			s.Pass(s.Timeout + time.Second)
			wantDescribed(t, s, ref, steps.ExecutionEnded)
			wantClosed(t, s.Deliver(t.Context(), token, data))
		},
		"an unknown token is told": func(t *testing.T, s Subject) {
			ref := newRef(incident.DefaultTenant)
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

func wantDescribed(t *testing.T, s Subject, ref incident.Ref, want steps.ExecutionStatus) {
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
