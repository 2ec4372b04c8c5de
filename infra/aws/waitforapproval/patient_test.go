package waitforapproval

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
)

// record holds one incident.
type record struct{ inc incident.Incident }

func (r *record) Load(context.Context, incident.Ref) (incident.Incident, error) { return r.inc, nil }

func (r *record) Commit(_ context.Context, c incident.Change) error {
	r.inc = c.Incident
	return nil
}

// limited is a channel that takes no message until then. It says how long that is, unless
// it is silent.
type limited struct {
	until  time.Time
	silent bool
	tried  []time.Time
	told   int
}

func (l *limited) Name() string { return "limited" }

func (l *limited) Post(context.Context, brief.Brief) (string, error) {
	l.tried = append(l.tried, time.Now())
	switch wait := time.Until(l.until); {
	case wait <= 0:
		l.told++
		return "1", nil
	case l.silent:
		return "", incident.Unavail("it does not answer", nil)
	default:
		return "", incident.Limited("it is over its limit", wait)
	}
}

func (l *limited) Edit(context.Context, string, brief.Brief) error { return nil }

type noLinks struct{}

func (noLinks) Links(incident.Incident, string) brief.Links { return brief.Links{} }

// timeout is the function's.
const timeout = 90 * time.Second

// Else reconcile would ask people while the function waits, and they would be told twice.
func TestReconcileAsksNobodyWhileTheFunctionMayWait(t *testing.T) {
	text, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources struct {
			Function struct {
				Properties struct {
					Timeout int `yaml:"Timeout"`
				} `yaml:"Properties"`
			} `yaml:"WaitForApprovalFunction"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	if s := template.Resources.Function.Properties.Timeout; time.Duration(s)*time.Second != timeout {
		t.Errorf("the function's Timeout is %d s, want %s", s, timeout)
	}
	began := time.Now()
	s, store := opened(t, &limited{until: began.Add(time.Hour)}, incident.High, time.Hour)
	in := steps.WaitInput{Ref: store.inc.Ref, TaskToken: incident.NewTaskToken("t"), EnteredTime: began}
	if err := s.Handle(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if due := store.inc.Due(); due.Sub(began) <= timeout {
		t.Errorf("reconcile asks %s after the function began", due.Sub(began))
	}
}

func TestACriticalMessageIsOutWhenItsChannelsLimitIsOver(t *testing.T) {
	for name, test := range map[string]struct {
		severity incident.Severity
		limit    time.Duration
		silent   bool
		more     time.Duration // how much the limit grows meanwhile
		decided  bool          // while the function waits
		timeout  time.Duration // for deciding; an hour if zero
		endless  bool          // nobody says when the function ends
		tried    int
		told     int
		took     time.Duration
	}{
		"there is no limit":          {severity: incident.Critical, tried: 1, told: 1},
		"a limit of seconds":         {severity: incident.Critical, limit: 8 * time.Second, tried: 2, told: 1, took: 8 * time.Second},
		"a limit of a minute":        {severity: incident.Critical, limit: time.Minute, tried: 2, told: 1, took: time.Minute},
		"the longest that fits":      {severity: incident.Critical, limit: timeout - askingAgain, tried: 2, told: 1, took: timeout - askingAgain},
		"a limit that does not fit":  {severity: incident.Critical, limit: timeout - askingAgain + time.Millisecond, tried: 1},
		"a limit that grows":         {severity: incident.Critical, limit: 8 * time.Second, more: time.Second, tried: 2, took: 8 * time.Second},
		"no time is left to decide":  {severity: incident.Critical, limit: 8 * time.Second, timeout: 10 * time.Second, tried: 1},
		"one that names no time":     {severity: incident.Critical, limit: 8 * time.Second, silent: true, tried: 1},
		"a less severe incident":     {severity: incident.High, limit: 8 * time.Second, tried: 1},
		"somebody decided meanwhile": {severity: incident.Critical, limit: 8 * time.Second, decided: true, tried: 1, took: 8 * time.Second},
		"an end that nobody knows":   {severity: incident.Critical, limit: 8 * time.Second, endless: true, tried: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, began := t.Context(), time.Now()
				if !test.endless {
					limit, cancel := context.WithTimeout(ctx, timeout)
					defer cancel()
					ctx = limit
				}
				channel := &limited{until: began.Add(test.limit), silent: test.silent}
				s, store := opened(t, channel, test.severity, cmp.Or(test.timeout, time.Hour))
				s.After = func(d time.Duration) <-chan time.Time {
					channel.until = channel.until.Add(test.more)
					if test.decided {
						store.inc.Status = incident.Escalated
					}
					return time.After(d)
				}
				in := steps.WaitInput{Ref: store.inc.Ref, TaskToken: incident.NewTaskToken("t"), EnteredTime: began}
				err := s.Handle(ctx, in)
				if took := time.Since(began); err != nil || len(channel.tried) != test.tried || channel.told != test.told || took != test.took {
					t.Errorf("tried %d times, told %d times in %s (%v); want %d, %d and %s", len(channel.tried), channel.told, took, err,
						test.tried, test.told, test.took)
				}
				if told := store.inc.Asked.NotifiedAt != nil; told != (test.told > 0) {
					t.Errorf("recorded as told: %v", told)
				}
			})
		})
	}
}

// Lambda ends a function while it waits; what it did until then is done.
func TestAFunctionThatEndsWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		channel := &limited{until: time.Now().Add(time.Minute)}
		s, store := opened(t, channel, incident.Critical, time.Hour)
		s.After = func(time.Duration) <-chan time.Time { cancel(); return nil }
		in := steps.WaitInput{Ref: store.inc.Ref, TaskToken: incident.NewTaskToken("t"), EnteredTime: time.Now()}
		if err := s.Handle(ctx, in); err != nil || len(channel.tried) != 1 || store.inc.Asked == nil {
			t.Errorf("%v, tried %d times, asked %v", err, len(channel.tried), store.inc.Asked)
		}
	})
}

// opened is the step, and a record with an incident of that severity that was analysed.
func opened(t *testing.T, channel steps.Channel, severity incident.Severity, toDecide time.Duration) (Step, *record) {
	t.Helper()
	inv, err := inventory.Load([]byte("services: {}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ref := incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	alert := incident.Alert{Tenant: ref.Tenant, Source: "api", Service: "web", ErrorLogs: "x", Severity: severity}
	first := incident.Open(incident.New{Ref: ref, Alert: alert, By: incident.Local, ApprovalTimeout: toDecide, Now: time.Now()})
	store := &record{first.Incident}
	log := slog.New(slog.DiscardHandler)
	people := steps.People{Store: store, Inventory: inv, Channels: []steps.Channel{channel}, Links: noLinks{}, Now: time.Now, Log: log}
	return Step{steps.WaitForApproval{Store: store, People: people, Now: time.Now, Log: log}, time.After}, store
}
