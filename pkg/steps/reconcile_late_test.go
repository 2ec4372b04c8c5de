package steps_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// late finds what is due among some incidents, as an index would.
type late func() []incident.Incident

func (l late) Late(_ context.Context, _ string, now time.Time) ([]incident.Incident, error) {
	return slices.DeleteFunc(l(), func(inc incident.Incident) bool { return !inc.Open() || inc.Due().After(now) }), nil
}

// lateOnes runs reconcile as on AWS and wants this report and this many questions
// about executions.
func (w *world) lateOnes(want steps.ReconcileReport, asked int) {
	w.Helper()
	questions := 0
	before := w.workflow.onDescribe
	w.workflow.onDescribe = func(incident.Ref) error { questions++; return nil }
	defer func() { w.workflow.onDescribe = before }()
	r := w.reconcile()
	r.Late = late(w.all)
	report, err := r.Handle(w.Context())
	if err != nil {
		w.Fatalf("reconcile: %v", err)
	}
	if d := cmp.Diff(want, report); d != "" {
		w.Errorf("report (-want +got):\n%s", d)
	}
	if questions != asked {
		w.Errorf("the workflow was asked %d times, want %d", questions, asked)
	}
}

func TestReconcileByTheRecordLeavesAloneWhatIsInTime(t *testing.T) {
	w := newWorld(t)
	w.detected("api")
	w.asked("api")
	w.approved("api")
	w.executed("real", incident.Result{Outcome: incident.Fixed, Verified: true})
	w.closed(w.decided("api", incident.Escalate))
	w.store.onLoad = func(ref incident.Ref) error { t.Errorf("%s was read", ref.ID); return nil }
	w.lateOnes(steps.ReconcileReport{}, 0)
	w.store.onLoad = nil
}

func TestReconcileByTheRecordRepeatsWithoutAskingTheWorkflow(t *testing.T) {
	w := newWorld(t)
	w.detected("api")
	starts := len(w.workflow.starts)
	w.clock.move(2 * time.Minute)
	w.lateOnes(steps.ReconcileReport{Open: 1, Started: 1}, 0)
	if len(w.workflow.starts) != starts+1 {
		t.Errorf("%d starts, want %d", len(w.workflow.starts), starts+1)
	}

	w = newWorld(t)
	w.approved("api")
	w.workflow.delivered = nil
	w.clock.move(time.Minute)
	w.lateOnes(steps.ReconcileReport{Open: 1, Delivered: 1}, 0)
	if len(w.workflow.delivered) != 1 {
		t.Errorf("%d deliveries", len(w.workflow.delivered))
	}

	w = newWorld(t)
	w.store.onCommit = neverWritten(incident.EventNotified)
	ref := w.asked("api")
	w.store.onCommit = nil
	w.clock.move(2 * time.Minute)
	w.lateOnes(steps.ReconcileReport{Open: 1, Notified: 1}, 0)
	if w.load(ref).Asked.NotifiedAt == nil {
		t.Error("it is not recorded that people were told")
	}
}

// The event that tells of an execution's end may be lost: EventBridge delivers it by
// best effort.
func TestReconcileByTheRecordFindsAnEndThatItWasNotToldOf(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world) incident.Ref
		late    time.Duration
	}{
		"detected":     {func(w *world) incident.Ref { return w.detected("api") }, 15 * time.Minute},
		"asked":        {func(w *world) incident.Ref { return w.asked("api") }, time.Hour + 5*time.Minute},
		"approved":     {func(w *world) incident.Ref { return w.approved("api") }, 20 * time.Minute},
		"fix finished": {func(w *world) incident.Ref { return w.executed("api", incident.Result{Outcome: incident.Failed}) }, 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ref := c.prepare(w)
			w.workflow.status[ref.ID] = steps.ExecutionEnded
			w.clock.move(c.late)
			w.lateOnes(steps.ReconcileReport{Open: 1, Finished: 1}, 1)
			if inc := w.load(ref); inc.Open() {
				t.Errorf("it is %s", inc.Status)
			}
			w.lateOnes(steps.ReconcileReport{}, 0)
		})
	}
}

// An index lags behind the record.
func TestReconcileByTheRecordTrustsTheRecordAndNotTheList(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	stale := w.all()
	w.clock.move(time.Hour)
	w.closed(ref)
	r := w.reconcile()
	r.Late = late(func() []incident.Incident { return stale })
	report, err := r.Handle(t.Context())
	if err != nil || report != (steps.ReconcileReport{Open: 1}) {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestAnEndIsFinishedFromTheRecordOnceHoweverOftenItIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world) incident.Ref
		status  incident.Status
	}{
		"detected":       {func(w *world) incident.Ref { return w.detected("api") }, incident.Escalated},
		"asked":          {func(w *world) incident.Ref { return w.asked("api") }, incident.Escalated},
		"closed by hand": {func(w *world) incident.Ref { return w.decided("api", incident.Resolve) }, incident.Resolved},
		"fixed": {func(w *world) incident.Ref {
			return w.executed("api", incident.Result{Outcome: incident.Fixed, Verified: true})
		}, incident.Resolved},
		"closed": {func(w *world) incident.Ref { ref := w.decided("api", incident.Escalate); w.closed(ref); return ref }, incident.Escalated},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ref := c.prepare(w)
			w.workflow.onDescribe = func(incident.Ref) error { t.Error("the workflow was asked"); return nil }
			var version int64
			for told := range 3 {
				if err := w.reconcile().Ended(t.Context(), ref); err != nil {
					t.Fatal(err)
				}
				inc := w.load(ref)
				if inc.Status != c.status || told > 0 && inc.Version != version {
					t.Errorf("told %d times: %s at version %d, before %d", told+1, inc.Status, inc.Version, version)
				}
				version = inc.Version
			}
			if len(w.tracker.opened) > 1 {
				t.Errorf("%d tickets", len(w.tracker.opened))
			}
		})
	}
}

func TestAnEndThatCannotBeFinishedIsToldAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	w.tracker.onOpen = func(incident.Ref) error { return errWire }
	if err := w.reconcile().Ended(t.Context(), ref); err == nil || !w.load(ref).Open() {
		t.Errorf("%v, %s", err, w.load(ref).Status)
	}
	w.tracker.onOpen = nil
	if err := w.reconcile().Ended(t.Context(), ref); err != nil || w.load(ref).Ticket == nil {
		t.Errorf("%v, %+v", err, w.load(ref))
	}
}

// manyWaiting plays a table of incidents that wait for people, and Step Functions'
// quota on DescribeExecution.
type manyWaiting struct {
	steps.Incidents
	all      map[incident.Ref]incident.Incident
	loads    atomic.Int64
	describe atomic.Int64
}

func (m *manyWaiting) Untold(context.Context, string, string) ([]steps.Lag, error) { return nil, nil }
func (m *manyWaiting) Told(context.Context, steps.Lag) error                       { panic("nothing is untold") }

func (m *manyWaiting) List(context.Context, steps.ListQuery) (steps.Page, error) {
	panic("every open incident is listed")
}

func (m *manyWaiting) Load(_ context.Context, ref incident.Ref) (incident.Incident, error) {
	m.loads.Add(1)
	time.Sleep(5 * time.Millisecond) // played
	return m.all[ref], nil
}

func (m *manyWaiting) Describe(context.Context, incident.Ref) (steps.ExecutionStatus, error) {
	m.describe.Add(1)
	time.Sleep(time.Second / 15) // played
	return steps.ExecutionRunning, nil
}

// 20,000 incidents that wait for people, of which some are past their deadline, cost
// a run no more than its looks at those few.
func TestARunOver20000WaitingIncidentsEndsInTwentySeconds(t *testing.T) {
	const waiting, overdue = 20_000, 200
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		table := &manyWaiting{all: map[incident.Ref]incident.Incident{}}
		var all []incident.Incident
		for n := range waiting {
			id := incident.IDFromULID(ulid.ULID{14: byte(n >> 8), 15: byte(n)}.String())
			inc := incident.Incident{Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: id}, Status: incident.WaitingForApproval, UpdatedAt: now,
				Asked: &incident.Asked{EnteredAt: now, NotifiedAt: &now, Deadline: now.Add(4 * time.Hour)}}
			if n < overdue {
				inc.Asked.Deadline = now.Add(-time.Hour)
			}
			table.all[inc.Ref] = inc
			all = append(all, inc)
		}
		r := w.reconcile()
		r.Store, r.Late = table, late(func() []incident.Incident { return slices.Clone(all) })
		r.Workflow = struct {
			steps.Starter
			steps.Describer
		}{w.workflow, table}
		r.Close.Now = time.Now
		report, err := r.Handle(t.Context())
		if took := time.Since(now); err != nil || report != (steps.ReconcileReport{Open: overdue}) || took > 20*time.Second {
			t.Errorf("%+v, %v, after %s of played time", report, err, took)
		}
		if table.describe.Load() != overdue || table.loads.Load() != 2*overdue {
			t.Errorf("%d questions, %d reads", table.describe.Load(), table.loads.Load())
		}
	})
}

// Lambda ends a function that takes too long, and then says that it failed.
func TestARunThatHasTooMuchToDoEndsInTimeAndSaysWhatIsLeft(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.detected("api")
	}
	w.clock.move(time.Hour)
	r := w.reconcile()
	r.Late = late(w.all)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	report, err := r.Handle(ctx)
	if err != nil || report != (steps.ReconcileReport{Left: 3}) {
		t.Errorf("%+v, %v", report, err)
	}
}
