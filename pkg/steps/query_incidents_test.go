package steps_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// The record is read, then more is written, then the trail is read: what is
// answered belongs together all the same.
func TestAnAuditsRecordAndTrailBelongTogether(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	var once sync.Once
	w.store.onEvents = func() error {
		once.Do(func() {
			if _, err := w.vote(ref, incident.Escalate, incident.KeyActor("anna")); err != nil {
				t.Error(err)
			}
			w.closed(ref)
		})
		return nil
	}
	inc, events, err := steps.QueryIncidents{Store: w.store}.Audit(t.Context(), ref)
	if err != nil || inc.Status != incident.Escalated || int64(len(events)) != inc.Version {
		t.Fatalf("%s, version %d with %d events, %v", inc.Status, inc.Version, len(events), err)
	}
	if bad := incident.VerifyChain(inc, events); bad != nil {
		t.Errorf("event %d %s", bad.Seq, bad.Why)
	}
}

// extended has one event more than the record's head says.
type extended struct{ *faulty }

func (e extended) Events(ctx context.Context, ref incident.Ref) ([]incident.Event, error) {
	events, err := e.faulty.Events(ctx, ref)
	return append(events, incident.Event{Seq: int64(len(events)) + 1, PrevHash: events[len(events)-1].Hash}), err
}

// An event beyond the head is what a record looks like that was set back: it must
// be shown, not trimmed away.
func TestAnAuditHidesNoEventBeyondTheHead(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	inc, events, err := steps.QueryIncidents{Store: extended{w.store}}.Audit(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if bad := incident.VerifyChain(inc, events); bad == nil || bad.Seq != inc.Version+1 {
		t.Errorf("%+v", bad)
	}
}

func TestEveryAuditIsWholeWhileWritesGoOn(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	q := steps.QueryIncidents{Store: w.store}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				inc, events, err := q.Audit(t.Context(), ref)
				if err != nil {
					t.Errorf("audit: %v", err)
					return
				}
				if bad := incident.VerifyChain(inc, events); bad != nil {
					t.Errorf("version %d: event %d %s", inc.Version, bad.Seq, bad.Why)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range int64(40) {
		if err := w.waiting(ref, incident.NewTaskToken("t"), n); err != nil {
			t.Errorf("write %d: %v", n, err)
		}
	}
	w.closed(ref)
	close(done)
	readers.Wait()
}

func TestReadingAnswersTheStoresRecord(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	other := w.detected("elsewhere")
	q := steps.QueryIncidents{Store: w.store}
	inc, err := q.Incident(t.Context(), ref)
	if err != nil || inc.Ref != ref || inc.Plan == nil {
		t.Errorf("%+v %v", inc, err)
	}
	page, err := q.List(t.Context(), steps.ListQuery{Tenant: ref.Tenant, Service: "elsewhere", Limit: 10})
	if err != nil || len(page.Incidents) != 1 || page.Incidents[0].Ref != other || page.NextCursor != "" {
		t.Errorf("%+v %v", page, err)
	}
	if d := cmp.Diff([]incident.Ref{other, ref}, refsOf(w.all())); d != "" {
		t.Errorf("newest first (-want +got):\n%s", d)
	}
}

func refsOf(incs []incident.Incident) (refs []incident.Ref) {
	for _, inc := range incs {
		refs = append(refs, inc.Ref)
	}
	return refs
}

func TestReadingSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	q := steps.QueryIncidents{Store: w.store}
	missing := incident.Ref{Tenant: ref.Tenant, ID: w.newID()}
	_, err := q.Incident(t.Context(), missing)
	wantCode(t, "incident", err, incident.CodeNotFound)
	_, _, err = q.Audit(t.Context(), missing)
	wantCode(t, "audit", err, incident.CodeNotFound)
	_, err = q.List(t.Context(), steps.ListQuery{Tenant: ref.Tenant, Limit: 10, Cursor: "nonsense"})
	wantField(t, err, "cursor")
	w.store.onEvents = func() error { return errWire }
	_, _, err = q.Audit(t.Context(), ref)
	wantCode(t, "the trail fails", err, incident.CodeUnavailable)
}
