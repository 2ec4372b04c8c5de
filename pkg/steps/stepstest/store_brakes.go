package stepstest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// stop sets the tenant's kill switch and returns it.
func (t *storeTest) stop(to incident.Stop, why string) (set incident.Brake) {
	t.Helper()
	err := t.s.UpdateBrake(t.Context(), t.tenant, func(b *incident.Brake) {
		b.Set(t.tenant, to, "key:anna", why, epoch)
		set = b.Clone()
	})
	if err != nil {
		t.Fatalf("set the kill switch: %v", err)
	}
	return set
}

// brakes: a claim and the switch are one transaction.
func (t *storeTest) brakes() {
	none, err := t.s.Brake(t.Context(), t.tenant)
	if err != nil || none.Stops() != incident.StopNone || none.Version != 0 {
		t.Errorf("before it was ever set: %+v, %v", none, err)
	}
	inc, plan := t.approved("a", "one")
	claim, err := inc.Claim(incident.Claimer{}, plan, epoch)
	if err != nil {
		t.Fatal(err)
	}
	set := t.stop(incident.StopFixes, "a bad release")
	stored, err := t.s.Brake(t.Context(), t.tenant)
	t.code("read the switch", err, "")
	t.same("the switch", stored, set)
	t.code("a claim while fixes are stopped", t.s.Commit(t.Context(), claim), incident.CodeStopped)
	t.same("the record", t.load(inc.Ref), inc)
	other := *t
	other.tenant += "-2"
	second, planB := other.approved("a", "one")
	other.must(second.Claim(incident.Claimer{}, planB, epoch)) // another tenant's is not stopped

	// A change that is no claim is taken, and it makes the claim an old one: the version counts before the switch.
	t.must(inc.Recover(epoch))
	t.code("an old version while fixes are stopped", t.s.Commit(t.Context(), claim), incident.CodeVersion)

	third, planC := t.approved("c", "busy")
	t.stop(incident.StopNone, "")
	t.must(third.Claim(incident.Claimer{}, planC, epoch))
	fourth, planD := t.approved("d", "busy")
	claim, err = fourth.Claim(incident.Claimer{}, planD, epoch)
	if err != nil {
		t.Fatal(err)
	}
	t.code("lifted: only the target is busy", t.s.Commit(t.Context(), claim), incident.CodeTargetBusy)
	t.stop(incident.StopAll, "worse")
	t.code("stopped counts before busy", t.s.Commit(t.Context(), claim), incident.CodeStopped)
}

// undoing goes on while fixes are stopped, unless that is stopped too.
func (t *storeTest) brakesAndUndoing() {
	applied := func(key, target string) incident.Change {
		inc := t.open(key)
		plan := *planFor(inc.Ref, target)
		plan.ExecutorDigest, plan.Undo = "e", incident.Undo{Actions: []string{"put it back"}}
		plan = plan.Freeze(inc.Ref)
		inc = t.must(inc.Propose(incident.Analysis{AnalyzedBy: incident.ByRules, Cause: "c"}, &incident.Proposal{FixID: plan.FixID}, epoch))
		inc = t.must(inc.Planned(incident.Planning{Plan: &plan}, epoch))
		inc = t.must(inc.Await(incident.Ask{Token: incident.NewTaskToken("token of " + inc.ID), EnteredAt: epoch, Now: epoch}))
		inc = t.must(vote(inc, incident.Approve, "key:anna"))
		inc = t.must(inc.Claim(incident.Claimer{}, &plan, epoch))
		inc = t.must(inc.Took(incident.State{"revision": "2"}, nil, false, epoch))
		inc = t.must(inc.Record(incident.Result{Outcome: incident.Applied, Looked: true}, epoch))
		c, err := inc.ClaimUndo(incident.Claimer{}, epoch)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second := applied("a", "one"), applied("b", "two")
	t.stop(incident.StopFixes, "a bad release")
	t.must(first, nil)
	t.stop(incident.StopAll, "undoing makes it worse")
	t.code("undoing while all is stopped", t.s.Commit(t.Context(), second), incident.CodeStopped)
	t.stop(incident.StopFixes, "undoing is good again")
	t.must(second, nil)
}

// brakesRace has many claim while somebody stops: whoever claims after the switch was
// seen to be set is refused.
func (t *storeTest) brakesRace() {
	const many = 8
	var claims []incident.Change
	for n := range many {
		inc, plan := t.approved(fmt.Sprint(n), fmt.Sprint("target ", n))
		c, err := inc.Claim(incident.Claimer{}, plan, epoch)
		if err != nil {
			t.Fatal(err)
		}
		claims = append(claims, c)
	}
	errs := make([]error, many)
	late := make([]bool, many)
	var set sync.WaitGroup
	var all sync.WaitGroup
	set.Add(1)
	all.Go(func() {
		t.stop(incident.StopFixes, "now")
		set.Done()
	})
	for n, c := range claims {
		all.Go(func() {
			if n%2 == 0 {
				set.Wait()
				late[n] = true
			}
			errs[n] = t.s.Commit(t.Context(), c)
		})
	}
	all.Wait()
	for n, err := range errs {
		if code := incident.CodeOf(err); err != nil && code != incident.CodeStopped || late[n] && err == nil {
			t.Errorf("claim %d (late: %v): %v", n, late[n], err)
		}
		if now := t.load(claims[n].Incident.Ref); (err == nil) != (now.Attempt != nil) {
			t.Errorf("claim %d answered %v, and the record has %+v", n, err, now.Attempt)
		}
	}
}

// fixHistories: every change counts, and what was written is read.
func (t *storeTest) fixHistories() {
	none, err := t.s.Fixes(t.Context(), t.tenant, "api")
	if err != nil || len(none.Fixes) > 0 {
		t.Errorf("before anything was done: %+v, %v", none, err)
	}
	const writers = 16
	var all sync.WaitGroup
	for n := range writers {
		all.Go(func() {
			id := fmt.Sprintf("INC-%02d", n)
			err := t.s.UpdateFixes(t.Context(), t.tenant, "api", func(h *incident.FixHistory) {
				if slices.ContainsFunc(h.Fixes, func(f incident.PastFix) bool { return f.IncidentID == id }) {
					return // an answer was lost, and it was written before
				}
				h.Fixes = append(h.Fixes, pastFix(id))
			})
			if err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	all.Wait()
	got, err := t.s.Fixes(t.Context(), t.tenant, "api")
	if err != nil || len(got.Fixes) != writers {
		t.Fatalf("%d fixes, %v; want %d", len(got.Fixes), err, writers)
	}
	t.same("a fix", got.Fixes[0], pastFix(got.Fixes[0].IncidentID))
	if other, err := t.s.Fixes(t.Context(), t.tenant, "web"); err != nil || len(other.Fixes) > 0 {
		t.Errorf("another service has %+v, %v", other, err)
	}
}

// pastFix has every field set.
func pastFix(id string) incident.PastFix {
	return incident.PastFix{IncidentID: id, FixID: "restart-service", Fingerprint: "f", At: epoch, Outcome: incident.Fixed,
		WatchedUntil: epoch.Add(time.Minute), Again: "INC-X", AgainAt: epoch.Add(time.Second), Told: true}
}
