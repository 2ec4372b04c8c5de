package steps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// fixedAgain is an incident of one trouble whose fix was approved and verified.
func (w *world) fixedAgain(key string) incident.Incident {
	w.Helper()
	ref := w.askedAbout(key)
	if _, err := w.vote(ref, incident.Approve, incident.KeyActor("anna")); err != nil {
		w.Fatalf("approve: %v", err)
	}
	if _, err := w.execute().Handle(w.Context(), ref); err != nil {
		w.Fatalf("execute-fix: %v", err)
	}
	return w.closed(ref)
}

// askedAbout is an incident of one trouble, planned and asked about.
func (w *world) askedAbout(key string) incident.Ref {
	w.Helper()
	ref := w.sent(alert("real", key))
	if _, err := w.analyze(nil).Handle(w.Context(), ref); err != nil {
		w.Fatalf("analyze: %v", err)
	}
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		w.Fatalf("wait-for-approval: %v", err)
	}
	return ref
}

func (w *world) wantLasted(inc incident.Incident, want string) {
	w.Helper()
	got := "null"
	if lasted := w.load(inc.Ref).Lasted(w.clock.now()); lasted != nil {
		got = map[bool]string{true: "true", false: "false"}[*lasted]
	}
	if got != want {
		w.Errorf("%s: lasted is %s, want %s", inc.ID, got, want)
	}
}

func TestAFixLastedIfTheTroubleStayedAway(t *testing.T) {
	w := newWorld(t)
	inc := w.fixedAgain("cart")
	w.wantLasted(inc, "null")
	w.clock.move(15 * time.Minute)
	w.wantLasted(inc, "true")
	again := w.askedAbout("cart")
	w.wantLasted(inc, "true")
	if w.load(again).Caution != "" || w.count(inc.Ref, incident.EventDidNotLast) != 0 {
		t.Errorf("it is said not to have lasted: %q", w.load(again).Caution)
	}
}

// A useless fix is not tried again and again: the third time a person gets it, with what
// was tried.
func TestTheThirdTimeAPersonIsToldWhatWasTried(t *testing.T) {
	w := newWorld(t)
	first := w.fixedAgain("cart")
	w.clock.move(5 * time.Minute)
	other := w.fixedAgain("another trouble")
	second := w.fixedAgain("cart")
	w.wantLasted(first, "false")
	w.wantLasted(other, "null")
	if w.count(first.Ref, incident.EventDidNotLast) != 1 || w.last(first.Ref).Details["again"] != second.ID {
		t.Errorf("the first one's record says %v", w.last(first.Ref))
	}
	if !strings.Contains(second.Caution, "restart-service did not help for good before: at 2026-01-02 03:04 UTC for "+first.ID) {
		t.Errorf("who approved the second one was told %q", second.Caution)
	}
	w.clock.move(5 * time.Minute)
	third := w.askedAbout("cart")
	inc := w.load(third)
	if inc.Plan != nil || inc.Analysis == nil || len(inc.Candidates) != 0 {
		t.Fatalf("the third one has the plan %+v and the candidates %+v", inc.Plan, inc.Candidates)
	}
	for _, part := range []string{"restart-service was done 2 times within 24h",
		first.ID + ", back at 03:09 as " + second.ID, second.ID + ", back at 03:14 as " + inc.ID} {
		if !strings.Contains(inc.Analysis.ManualReason, part) {
			t.Errorf("people are not told %q: %s", part, inc.Analysis.ManualReason)
		}
	}
	if _, err := w.vote(third, incident.Approve, incident.KeyActor("anna")); incident.CodeOf(err) == "" {
		t.Error("it could be approved")
	}
	if len(w.executor.runs) != 3 {
		t.Errorf("it ran %d times", len(w.executor.runs))
	}
	w.clock.move(24 * time.Hour)
	if w.load(w.askedAbout("cart tomorrow")).Plan == nil {
		t.Error("it is not proposed a day later either")
	}
}

func TestAPlanFromBeforeTheBreakerOpenedIsStoppedAtItsClaim(t *testing.T) {
	w := newWorld(t)
	early := w.askedAbout("another trouble")
	w.fixedAgain("cart")
	second := w.fixedAgain("cart")
	w.askedAbout("cart")
	if _, err := w.vote(early, incident.Approve, incident.KeyActor("anna")); err != nil {
		t.Fatal(err)
	}
	w.wantStopped(early, "the breaker is open: restart-service was done 2 times within 24h and did not help for good: "+
		"at 2026-01-02 03:04 UTC for "+second.ID)
}

func TestAnIncidentIsClosedOnlyAfterItsFixWasNoted(t *testing.T) {
	w := newWorld(t)
	ref := w.executed("real", incident.Result{Outcome: incident.Fixed, Verified: true})
	w.store.onFixes = func(bool) error { return errWire }
	if _, err := w.resolve(ref, ""); incident.KindOf(err) != incident.Unavailable || w.load(ref).Status.Final() {
		t.Errorf("noting failed: %v, and it is %s", err, w.load(ref).Status)
	}
	w.store.onFixes = nil
	w.store.onCommit = func(incident.Change, func() error) error { return errWire } // the process dies between the note and the end
	if _, err := w.resolve(ref, ""); err == nil {
		t.Error("closing did not fail")
	}
	w.store.onCommit = nil
	w.clock.move(minute)
	if _, err := w.resolve(ref, ""); err != nil {
		t.Fatal(err)
	}
	inc := w.load(ref)
	h, err := w.store.Fixes(t.Context(), ref.Tenant, "real")
	until := w.clock.now().Add(15 * time.Minute)
	if err != nil || len(h.Fixes) != 1 || !h.Fixes[0].WatchedUntil.Equal(until) || !inc.Attempt.WatchedUntil.Equal(until) {
		t.Errorf("noted %+v, %v; the record has %v", h.Fixes, err, inc.Attempt.WatchedUntil)
	}
	if _, err := w.resolve(ref, ""); err != nil || w.count(ref, incident.EventResolved) != 1 {
		t.Errorf("asked again: %v", err)
	}
}

// Each write of a meeting is lost in turn, and plan-fix is called again.
func TestAMeetingThatWasCutOffIsMadeGoodByTheNextCall(t *testing.T) {
	for lost := range 4 {
		w := newWorld(t)
		inc := w.fixedAgain("cart")
		ref := w.sent(alert("real", "cart"))
		if _, err := w.analyze(nil).Handle(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		writes := 0
		cut := func() bool { writes++; return writes == lost+1 }
		w.store.onFixes = func(write bool) error {
			if write && cut() {
				return errWire
			}
			return nil
		}
		w.store.onCommit = func(_ incident.Change, real func() error) error {
			if cut() {
				return errWire
			}
			return real()
		}
		_, err := w.plan().Handle(t.Context(), ref)
		if lost < 4 && incident.KindOf(err) != incident.Unavailable {
			t.Errorf("write %d lost: %v", lost, err)
		}
		if _, err := w.plan().Handle(t.Context(), ref); err != nil {
			t.Errorf("write %d lost, called again: %v", lost, err)
		}
		w.wantLasted(inc, "false")
		if n := w.count(inc.Ref, incident.EventDidNotLast); n != 1 {
			t.Errorf("write %d lost: it is recorded %d times", lost, n)
		}
		if h, _ := w.store.Fixes(t.Context(), ref.Tenant, "real"); len(h.Untold()) != 0 || h.Fixes[0].Again != ref.ID {
			t.Errorf("write %d lost: %+v", lost, h.Fixes)
		}
	}
}

func TestTheBreakerThatCannotBeAskedLetsTheClaimBeTriedAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.approved("real")
	w.store.onFixes = func(bool) error { return errWire }
	if _, err := w.act().Handle(t.Context(), ref); incident.CodeOf(err) != incident.CodeNotStarted || len(w.executor.runs) != 0 {
		t.Errorf("%v, %d runs", err, len(w.executor.runs))
	}
	w.store.onFixes = nil
	if _, err := w.execute().Handle(t.Context(), ref); err != nil || len(w.executor.runs) != 1 {
		t.Errorf("%v, %d runs", err, len(w.executor.runs))
	}
}
