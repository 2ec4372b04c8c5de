package stepstest

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

func (t *storeTest) nothing() {
	ref := t.newRef()
	_, err := t.s.Load(t.Context(), ref)
	t.code("load", err, incident.CodeNotFound)
	_, err = t.s.Wait(t.Context(), ref)
	t.code("wait", err, incident.CodeNotFound)
	_, err = t.s.Evidence(t.Context(), ref)
	t.code("evidence", err, incident.CodeNotFound)
	_, err = t.s.Join(t.Context(), t.tenant, "f", incident.Latest{At: epoch})
	t.code("join", err, incident.CodeNotFound)
	_, err = t.s.Holder(t.Context(), t.tenant, "f")
	t.code("holder", err, incident.CodeNotFound)
}

func (t *storeTest) roundTrip() {
	inc, plan := t.approved("k", "a")
	t.same("approved", t.load(inc.Ref), inc)
	inc = t.must(inc.Claim(incident.Claimer{}, plan, epoch))
	inc = t.must(inc.Record(incident.Result{Outcome: incident.Simulated, Verified: true, Steps: []incident.FixStep{{Name: "s", Status: "ok", Detail: "d", At: epoch}}}, epoch))
	t.same("recorded", t.load(inc.Ref), inc)
	inc = t.must(inc.Close("", epoch))
	t.same("closed", t.load(inc.Ref), inc)
}

func (t *storeTest) versions() {
	first := t.opening("k", "x")
	inc := t.must(first, nil)
	t.code("the same change twice", t.s.Commit(t.Context(), first), incident.CodeVersion)
	a, _ := inc.Settle(incident.ReasonStepFailed, epoch)
	b, _ := inc.Recover(epoch)
	t.must(a, nil)
	t.code("a change of an old version", t.s.Commit(t.Context(), b), incident.CodeVersion)
	t.same("the record", t.load(inc.Ref), a.Incident)
}

// oneWins commits many opposite decisions on the same version at once.
func (t *storeTest) oneWins() {
	inc, _ := t.asked("k", "a")
	const writers = 32
	errs := make([]error, writers)
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() {
			action := []incident.Action{incident.Approve, incident.Escalate}[n%2]
			c, err := vote(inc, action, incident.KeyActor(fmt.Sprint(n)))
			if err == nil {
				err = t.s.Commit(t.Context(), c)
			}
			errs[n] = err
		})
	}
	all.Wait()
	winner := -1
	for n, err := range errs {
		if err == nil && winner >= 0 {
			t.Fatalf("writers %d and %d both won", winner, n)
		} else if err == nil {
			winner = n
		} else {
			t.code("a loser", err, incident.CodeVersion)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	if by := t.load(inc.Ref).Decision.By; by != incident.KeyActor(fmt.Sprint(winner)) {
		t.Errorf("writer %d was told it won; %s decided", winner, by)
	}
}

func (t *storeTest) targets() {
	first, planA := t.approved("a", "shared")
	second, planB := t.approved("b", "shared")
	other, planC := t.approved("c", "another")
	first = t.must(first.Claim(incident.Claimer{}, planA, epoch))
	t.must(other.Claim(incident.Claimer{}, planC, epoch))
	claim := func(at time.Time) error {
		c, err := second.Claim(incident.Claimer{}, planB, at)
		if err != nil {
			return err
		}
		return t.s.Commit(t.Context(), c)
	}
	busy := claim(epoch)
	t.code("a busy target", busy, incident.CodeTargetBusy)
	if got := incident.HolderOf(busy); got != first.ID {
		t.Errorf("the target is said to be held by %q, it is by %q", got, first.ID)
	}
	changed, planS := t.approved("s", "shared")
	old, err := changed.Claim(incident.Claimer{}, planS, epoch)
	if err != nil {
		t.Fatal(err)
	}
	t.must(changed.Recover(epoch))
	t.code("an old version on a busy target", t.s.Commit(t.Context(), old), incident.CodeVersion)
	t.must(first.Record(incident.Result{Outcome: incident.Failed}, epoch))
	t.code("a target that was given back", claim(epoch), "")
	// A hold lapses, so that a target is not lost with the process that held it.
	third, planD := t.approved("d", "shared")
	at := t.load(second.Ref).Attempt.Until
	c, err := third.Claim(incident.Claimer{}, planD, epoch)
	if err != nil {
		t.Fatal(err)
	}
	c.Take.From = at.Add(-time.Millisecond)
	t.code("just before it lapses", t.s.Commit(t.Context(), c), incident.CodeTargetBusy)
	c.Take.From = at
	t.code("when it has lapsed", t.s.Commit(t.Context(), c), "")
	// The one whose hold was taken over must not free its successor's.
	t.must(t.load(second.Ref).Record(incident.Result{Outcome: incident.Failed}, epoch))
	fourth, planE := t.approved("e", "shared")
	c, _ = fourth.Claim(incident.Claimer{}, planE, epoch)
	t.code("the successor still holds it", t.s.Commit(t.Context(), c), incident.CodeTargetBusy)
}

func (t *storeTest) refusedLeavesNothing() {
	t.open("k")
	second := t.opening("k", "other logs")
	t.code("a second open incident", t.s.Commit(t.Context(), second), incident.CodeDuplicate)
	ref := second.Incident.Ref
	_, err := t.s.Load(t.Context(), ref)
	t.code("its record", err, incident.CodeNotFound)
	_, err = t.s.Evidence(t.Context(), ref)
	t.code("its evidence", err, incident.CodeNotFound)
	events, err := t.s.Events(t.Context(), ref)
	if err != nil || len(events) > 0 {
		t.Errorf("it left events: %v %v", events, err)
	}
}

func (t *storeTest) waits() {
	inc, _ := t.asked("k", "a")
	wait, err := t.s.Wait(t.Context(), inc.Ref)
	t.code("wait", err, "")
	t.same("wait", wait, incident.Wait{Ref: inc.Ref, Token: incident.NewTaskToken("token of " + inc.ID), EnteredAt: epoch, Deadline: inc.Asked.Deadline})
	inc = t.must(inc.Await(incident.Ask{Token: incident.NewTaskToken("newer"), EnteredAt: epoch, RetryCount: 1, Now: epoch}))
	wait, err = t.s.Wait(t.Context(), inc.Ref)
	t.code("wait", err, "")
	t.same("the newer wait", wait, incident.Wait{Ref: inc.Ref, Token: incident.NewTaskToken("newer"), EnteredAt: epoch, RetryCount: 1, Deadline: inc.Asked.Deadline})
	inc = t.must(inc.Settle(incident.ReasonApprovalTimeout, epoch))
	inc = t.must(inc.Close("", epoch))
	_, err = t.s.Wait(t.Context(), inc.Ref)
	t.code("after the end", err, incident.CodeNotFound)
}

func (t *storeTest) trail() {
	inc, plan := t.approved("k", "a")
	inc = t.must(inc.Claim(incident.Claimer{}, plan, epoch))
	events, err := t.s.Events(t.Context(), inc.Ref)
	t.code("events", err, "")
	if bad := incident.VerifyChain(t.load(inc.Ref), events); bad != nil {
		t.Errorf("event %d %s", bad.Seq, bad.Why)
	}
	if len(events) != int(inc.Version) || len(events) != 6 {
		t.Errorf("%d events for version %d", len(events), inc.Version)
	}
}

func (t *storeTest) oddText() {
	odd := "quote \" backslash \\ \u2028 \U0001f600 <b>&amp; é \x7f" + strings.Repeat("x", incident.MaxErrorLogs-100)
	inc := t.must(t.opening("key \U0001f600", odd), nil)
	e, err := t.s.Evidence(t.Context(), inc.Ref)
	t.code("evidence", err, "")
	if e.Logs != odd {
		t.Error("the evidence came back changed")
	}
	events, err := t.s.Events(t.Context(), inc.Ref)
	t.code("events", err, "")
	if bad := incident.VerifyChain(t.load(inc.Ref), events); bad != nil {
		t.Errorf("event %d %s", bad.Seq, bad.Why)
	}
}
