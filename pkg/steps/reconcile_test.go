package steps_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// repaired runs reconcile and wants this report and no failure.
func (w *world) repaired(want steps.ReconcileReport) {
	w.Helper()
	report, err := w.reconcile().Handle(w.Context())
	if err != nil {
		w.Fatalf("reconcile: %v", err)
	}
	if d := cmp.Diff(want, report); d != "" {
		w.Errorf("report (-want +got):\n%s", d)
	}
}

func TestReconcileLeavesAloneWhatGoesItsWay(t *testing.T) {
	w := newWorld(t)
	detected, waiting := w.detected("api"), w.asked("api")
	executing := w.executed("real", incident.Result{Outcome: incident.Fixed, Verified: true})
	w.closed(w.decided("api", incident.Escalate))
	starts, sent, posts := len(w.workflow.starts), len(w.workflow.delivered), len(w.chat.posts)
	versions := map[string]int64{}
	for _, ref := range []incident.Ref{detected, waiting, executing} {
		versions[ref.ID] = w.load(ref).Version
	}
	w.repaired(steps.ReconcileReport{Open: 3})
	for id, version := range versions {
		if now := w.load(incident.Ref{Tenant: incident.DefaultTenant, ID: id}).Version; now != version {
			t.Errorf("%s changed from version %d to %d", id, version, now)
		}
	}
	if len(w.workflow.starts) != starts || len(w.workflow.delivered) != sent || len(w.chat.posts) != posts || len(w.workflow.status) > 0 {
		t.Error("something was started, delivered or told again")
	}
}

func TestReconcileStartsWhatWasNeverStarted(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	w.workflow.status[ref.ID] = steps.ExecutionMissing
	w.repaired(steps.ReconcileReport{Open: 1, Started: 1})
	if s := w.workflow.starts; len(s) != 2 || s[0] != s[1] {
		t.Errorf("%+v", s)
	}
}

// Whatever state an execution left its incident in, the record says how it ends.
func TestReconcileFinishesWhatAnEndedExecutionLeftOpen(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(w *world) incident.Ref
		status  incident.Status
		reason  incident.Reason
	}{
		{"detected", func(w *world) incident.Ref { return w.detected("api") }, incident.Escalated, incident.ReasonStepFailed},
		{"analysed", func(w *world) incident.Ref { return w.analyzed("api") }, incident.Escalated, incident.ReasonStepFailed},
		{"recovered before anyone was asked", func(w *world) incident.Ref { ref := w.detected("api"); mustRecover(w, ref); return ref }, incident.Escalated, incident.ReasonStepFailed},
		{"asked, in time", func(w *world) incident.Ref { return w.asked("api") }, incident.Escalated, incident.ReasonStepFailed},
		{"asked, past the deadline", func(w *world) incident.Ref { ref := w.asked("api"); w.clock.move(time.Hour); return ref }, incident.Escalated, incident.ReasonApprovalTimeout},
		{"approved", func(w *world) incident.Ref { return w.approved("api") }, incident.Escalated, incident.ReasonStepFailed},
		{"closed by hand", func(w *world) incident.Ref { return w.decided("api", incident.Resolve) }, incident.Resolved, ""},
		{"escalation chosen", func(w *world) incident.Ref { return w.decided("api", incident.Escalate) }, incident.Escalated, incident.ReasonChosen},
		{"executing, unheard of", func(w *world) incident.Ref {
			ref := w.approved("api")
			w.store.onCommit = neverWritten(incident.EventFixApplied)
			if _, err := w.execute().Handle(w.Context(), ref); err == nil {
				w.Fatal("the result was written")
			}
			w.store.onCommit = nil
			return ref
		}, incident.Escalated, incident.ReasonFixUnknown},
		{"fixed", func(w *world) incident.Ref {
			return w.executed("api", incident.Result{Outcome: incident.Fixed, Verified: true})
		}, incident.Resolved, ""},
		{"failed", func(w *world) incident.Ref { return w.executed("api", incident.Result{Outcome: incident.Failed}) }, incident.Escalated, incident.ReasonFixFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ref := c.prepare(w)
			w.workflow.status[ref.ID] = steps.ExecutionEnded
			w.repaired(steps.ReconcileReport{Open: 1, Finished: 1})
			inc := w.load(ref)
			if inc.Status != c.status || inc.EscalationReason != c.reason || (inc.Ticket != nil) != (c.status == incident.Escalated) {
				t.Errorf("%s %q, ticket %+v; want %s %q", inc.Status, inc.EscalationReason, inc.Ticket, c.status, c.reason)
			}
			w.repaired(steps.ReconcileReport{})
			if _, err := w.execute().Handle(t.Context(), ref); err == nil && inc.Attempt == nil {
				t.Error("a fix started after the end")
			}
		})
	}
}

// Step Functions keeps an execution's history for 90 days, an incident may wait
// for 364.
func TestReconcileFinishesWhatBeganAndIsGone(t *testing.T) {
	w := newWorld(t)
	for _, ref := range []incident.Ref{w.asked("api"), w.executed("api", incident.Result{Outcome: incident.Failed})} {
		w.workflow.status[ref.ID] = steps.ExecutionMissing
	}
	starts := len(w.workflow.starts)
	w.repaired(steps.ReconcileReport{Open: 2, Finished: 2})
	if len(w.workflow.starts) != starts {
		t.Error("what had begun was started anew")
	}
}

// A tracker that is out of reach for a while costs no ticket; one that is gone for
// good does not keep the incident open forever.
func TestReconcileEscalatesWithoutATicketOnlyAfterAnHour(t *testing.T) {
	w := newWorld(t)
	ref := w.decided("api", incident.Escalate)
	w.workflow.status[ref.ID] = steps.ExecutionEnded
	w.tracker.onOpen = func(incident.Ref) error { return errWire }
	if report, err := w.reconcile().Handle(t.Context()); err == nil || report.Failed != 1 || !w.load(ref).Open() {
		t.Errorf("the first round: %+v %v %s", report, err, w.load(ref).Status)
	}
	w.clock.move(time.Hour)
	w.repaired(steps.ReconcileReport{Open: 1, Finished: 1})
	if inc := w.load(ref); inc.Status != incident.Escalated || w.last(ref).Details["ticketFailure"] != "create-ticket gave up: Unavailable" {
		t.Errorf("%s, %+v", inc.Status, w.last(ref))
	}
}

func TestReconcileDeliversADecisionAgainWhileSomebodyWaits(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("api")
	w.workflow.delivered = nil
	w.repaired(steps.ReconcileReport{Open: 1, Delivered: 1})
	if d := w.workflow.delivered; len(d) != 1 || d[0].Token != tokenOf(ref) {
		t.Errorf("%+v", d)
	}
}

func TestOneIncidentThatFailsDoesNotKeepReconcileFromTheRest(t *testing.T) {
	for name, cut := range map[string]func(w *world, bad incident.Ref){
		"describe": func(w *world, bad incident.Ref) {
			w.workflow.onDescribe = func(ref incident.Ref) error { return failFor(ref, bad) }
		},
		"load": func(w *world, bad incident.Ref) {
			w.store.onLoad = func(ref incident.Ref) error { return failFor(ref, bad) }
		},
		"start": func(w *world, bad incident.Ref) {
			w.workflow.onStart = func(ref incident.Ref) error { return failFor(ref, bad) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var refs []incident.Ref
			for range 5 {
				ref := w.detected("api")
				w.workflow.status[ref.ID] = steps.ExecutionMissing
				refs = append(refs, ref)
			}
			w.workflow.starts = nil
			cut(w, refs[2])
			report, err := w.reconcile().Handle(t.Context())
			wantCode(t, "reconcile", err, incident.CodeUnavailable)
			if report.Open != 5 || report.Failed != 1 {
				t.Errorf("%+v", report)
			}
			tried := map[string]bool{}
			for _, s := range w.workflow.starts {
				tried[s.ID] = true
			}
			for n, ref := range refs {
				if n != 2 && !tried[ref.ID] {
					t.Errorf("incident %d was not started", n)
				}
			}
		})
	}
}

// failFor fails for one incident only.
func failFor(ref, bad incident.Ref) error {
	if ref == bad {
		return errWire
	}
	return nil
}

func TestReconcileSeesBeyondOnePage(t *testing.T) {
	w := newWorld(t)
	const open = 230
	for n := range open {
		ref := w.sent(alert("api", fmt.Sprint(n)))
		w.workflow.status[ref.ID] = steps.ExecutionMissing
	}
	w.workflow.starts = nil
	w.repaired(steps.ReconcileReport{Open: open, Started: open})
	started := map[string]bool{}
	for _, s := range w.workflow.starts {
		started[s.ID] = true
	}
	if len(started) != open {
		t.Errorf("%d of %d were started", len(started), open)
	}
}

// Incidents that end while the list is read must not make it skip others.
func TestReconcileFinishesMoreThanOnePage(t *testing.T) {
	w := newWorld(t)
	const open = 130
	for n := range open {
		ref := w.sent(alert("api", fmt.Sprint(n)))
		w.workflow.status[ref.ID] = steps.ExecutionEnded
	}
	w.repaired(steps.ReconcileReport{Open: open, Finished: open})
	for _, inc := range w.all() {
		if inc.Open() {
			t.Errorf("%s is %s", inc.ID, inc.Status)
		}
	}
}

// cut is a store behind a wire on which a call fails once its context has ended.
type cut struct{ *faulty }

func (c cut) List(ctx context.Context, q steps.ListQuery) (steps.Page, error) {
	if err := ctx.Err(); err != nil {
		return steps.Page{}, err
	}
	return c.faulty.List(ctx, q)
}

func (c cut) Load(ctx context.Context, ref incident.Ref) (incident.Incident, error) {
	if err := ctx.Err(); err != nil {
		return incident.Incident{}, err
	}
	return c.faulty.Load(ctx, ref)
}

func (c cut) Commit(ctx context.Context, change incident.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.faulty.Commit(ctx, change)
}

// A process that stops has to stop soon, also among 100,000 incidents, and a repair that
// was begun must not be cut in half.
func TestReconcileEndsBetweenTwoIncidentsWhenItsContextEnds(t *testing.T) {
	for name, c := range map[string]struct {
		late bool
		left int // where the run knows it
	}{
		"by looking at each": {},
		"by the record":      {true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for n := range 3 {
				w.workflow.status[w.sent(alert("api", fmt.Sprint(n))).ID] = steps.ExecutionEnded
			}
			w.clock.move(time.Hour) // all are late
			r := w.reconcile()
			r.Store, r.Ticket.Store, r.Close.Store = cut{w.store}, cut{w.store}, cut{w.store}
			if c.late {
				r.Late = late(w.all)
			}
			ctx, stop := context.WithCancel(t.Context())
			w.workflow.onDescribe = func(incident.Ref) error { stop(); return nil } // asked in the midst of the first visit
			report, err := r.Handle(ctx)
			if d := cmp.Diff(steps.ReconcileReport{Open: 1, Finished: 1, Left: c.left}, report); d != "" || err != nil {
				t.Errorf("stopped at the first of three: %v, report (-want +got):\n%s", err, d)
			}
			report, err = r.Handle(ctx)
			if d := cmp.Diff(steps.ReconcileReport{Left: c.left}, report); d != "" || err != nil {
				t.Errorf("begun after the stop: %v, report (-want +got):\n%s", err, d)
			}
			w.workflow.onDescribe = nil
			report, err = r.Handle(t.Context())
			if d := cmp.Diff(steps.ReconcileReport{Open: 2, Finished: 2}, report); d != "" || err != nil {
				t.Errorf("the next run: %v, report (-want +got):\n%s", err, d)
			}
		})
	}
}

// An incident that closed between the list and the look is left alone.
func TestReconcileDoesNotTrustTheListsAge(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	w.workflow.status[ref.ID] = steps.ExecutionEnded
	w.workflow.onDescribe = func(incident.Ref) error { w.closed(ref); return nil }
	w.repaired(steps.ReconcileReport{Open: 1})
}

func TestReconcileFailsWhenItCannotSeeWhatIsOpen(t *testing.T) {
	w := newWorld(t)
	w.store.onList = func() error { return errWire }
	_, err := w.reconcile().Handle(t.Context())
	wantCode(t, "reconcile", err, incident.CodeUnavailable)
}

func TestTellingThatIsNotRecordedIsRepeated(t *testing.T) {
	w := newWorld(t)
	w.store.onCommit = neverWritten(incident.EventNotified)
	ref := w.asked("api")
	w.store.onCommit = nil
	w.repaired(steps.ReconcileReport{Open: 1, Notified: 1})
	if a := w.load(ref).Asked; a.NotifiedAt == nil || len(w.chat.posts) != 2 || a.Notices[0].MessageID != "chat-2" {
		t.Errorf("%+v, %d posts", a, len(w.chat.posts))
	}
}

func TestReconcileCountsWhatItRepairedOnly(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	w.workflow.status[ref.ID] = steps.ExecutionMissing
	w.workflow.onStart = func(incident.Ref) error { return errWire }
	if report, err := w.reconcile().Handle(t.Context()); err == nil || report.Started != 0 || report.Failed != 1 {
		t.Errorf("%+v %v", report, err)
	}
}

// An execution may start, and even ask people, between reconcile's two looks: it
// is not one that is gone.
func TestReconcileDoesNotEndWhatBeganWhileItLooked(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	looks := 0
	w.workflow.onDescribe = func(incident.Ref) error {
		if looks++; looks == 1 {
			w.workflow.status[ref.ID] = steps.ExecutionMissing
		} else {
			w.workflow.status[ref.ID] = steps.ExecutionRunning
		}
		return nil
	}
	if _, err := w.reconcile().Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if inc := w.load(ref); inc.Status != incident.WaitingForApproval || inc.Decision != nil {
		t.Errorf("it is %s, decided %+v", inc.Status, inc.Decision)
	}
}
