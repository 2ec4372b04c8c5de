package stepstest

import (
	"fmt"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// inGroup is a claim of an approved fix on a target of a group.
func (t *storeTest) inGroup(key, target string, at incident.AtOnce, from time.Time) incident.Change {
	t.Helper()
	inc, plan := t.approved(key, target)
	today := *plan
	today.Terms = &incident.Terms{AtOnce: at} // the plan is of before there were terms: it is under those of today
	c, err := inc.Claim(incident.Claimer{}, &today, from)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (t *storeTest) places() {
	web := incident.AtOnce{Group: "web", Max: 2, Of: 3}
	a, b, c := t.inGroup("a", "1", web, epoch), t.inGroup("b", "2", web, epoch), t.inGroup("c", "3", web, epoch)
	first := t.must(a, nil)
	t.must(b, nil)
	full := t.s.Commit(t.Context(), c)
	t.code("a full group", full, incident.CodeTargetBusy)
	if incident.GroupOf(full) != "web" || incident.HolderOf(full) != first.ID {
		t.Errorf("it is said that %q has no place because of %q", incident.GroupOf(full), incident.HolderOf(full))
	}
	if inc := t.load(c.Incident.Ref); inc.Attempt != nil {
		t.Errorf("it was refused, and the record has %+v", inc.Attempt)
	}
	busy := t.inGroup("d", "1", web, epoch)
	if err := t.s.Commit(t.Context(), busy); incident.CodeOf(err) != incident.CodeTargetBusy || incident.GroupOf(err) != "" {
		t.Errorf("a busy target in a full group: %v", err)
	}
	t.must(t.inGroup("e", "4", incident.AtOnce{Group: "db", Max: 1, Of: 2}, epoch), nil) // another group
	t.must(t.inGroup("f", "5", incident.AtOnce{}, epoch), nil)                           // no group
	t.must(first.Record(incident.Result{Outcome: incident.Failed}, epoch))
	t.must(c, nil) // the first gave its place back
	g := t.inGroup("g", "1", web, epoch)
	t.code("full again", t.s.Commit(t.Context(), g), incident.CodeTargetBusy)
	g.Take.From = b.Take.Until // by then the places have lapsed
	t.must(g, nil)
	// An old version counts before the group.
	old := t.inGroup("h", "6", incident.AtOnce{Group: "db", Max: 1, Of: 2}, epoch)
	t.must(t.load(old.Incident.Ref).Recover(epoch))
	t.code("an old version in a full group", t.s.Commit(t.Context(), old), incident.CodeVersion)
}

func (t *storeTest) placesRace() {
	const many, most = 8, 3
	var claims []incident.Change
	for n := range many {
		claims = append(claims, t.inGroup(fmt.Sprint(n), fmt.Sprint("target ", n), incident.AtOnce{Group: "web", Max: most, Of: many}, epoch))
	}
	errs := make([]error, many)
	var all sync.WaitGroup
	for n, c := range claims {
		all.Go(func() { errs[n] = t.s.Commit(t.Context(), c) })
	}
	all.Wait()
	in := 0
	for n, err := range errs {
		if err == nil {
			in++
		} else if incident.GroupOf(err) != "web" {
			t.Errorf("claim %d: %v", n, err)
		}
		if has := t.load(claims[n].Incident.Ref).Attempt != nil; has != (err == nil) {
			t.Errorf("claim %d answered %v, and was written: %v", n, err, has)
		}
	}
	if in != most {
		t.Errorf("%d of %d were let in, and %d may be", in, many, most)
	}
}
