package stepstest

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func (t *storeTest) oneOpen() {
	inc := t.open("k")
	ref, err := t.s.Holder(t.Context(), t.tenant, inc.Fingerprint)
	t.code("holder", err, "")
	t.same("holder", ref, inc.Ref)
	t.code("a second one", t.s.Commit(t.Context(), t.opening("k", "x")), incident.CodeDuplicate)
	t.code("another key", t.s.Commit(t.Context(), t.opening("k2", "x")), "")
	t.closed("k3")
	t.code("after the first ended", t.s.Commit(t.Context(), t.opening("k3", "x")), "")
}

// says is what an alert says, some seconds after the epoch.
func says(logs string, seconds int) incident.Latest {
	return incident.Latest{At: epoch.Add(time.Duration(seconds) * time.Second), Logs: logs, Digest: incident.Digest(logs)}
}

func (t *storeTest) latest() {
	c := t.opening("k", "x")
	inc := t.must(c, nil)
	first := c.Evidence.Logs
	want := func(what string, logs string, seconds int) {
		t.Helper()
		got, err := t.s.Latest(t.Context(), inc.Ref)
		t.code(what, err, "")
		if logs == "" {
			t.same(what, got, incident.Latest{})
			return
		}
		t.same(what+": the logs", got.Logs, logs)
		t.same(what+": the time", got.At.UTC(), epoch.Add(time.Duration(seconds)*time.Second))
	}
	for _, join := range []struct {
		name, logs string
		at         int
		want       string
		since      int
	}{
		{"the same again", first, 1, "", 0},
		{"something else", "other", 2, "other", 2},
		{"that again", "other", 3, "other", 2},
		{"something else again", "third", 4, "third", 4},
		{"the first again", first, 5, first, 5},
	} {
		got, err := t.s.Join(t.Context(), t.tenant, inc.Fingerprint, says(join.logs, join.at))
		t.code(join.name, err, "")
		if got.ID != inc.ID || got.Version != inc.Version || got.Occurrences != int64(join.at+1) || !got.LastSeenAt.Equal(epoch.Add(time.Duration(join.at)*time.Second)) {
			t.Errorf("%s: joined %s at version %d, which counts %d, last at %s", join.name, got.ID, got.Version, got.Occurrences, got.LastSeenAt)
		}
		want(join.name, join.want, join.since)
	}
	if e, err := t.s.Evidence(t.Context(), inc.Ref); err != nil || e.Logs != first {
		t.Errorf("the first evidence is %q, %v", e.Logs, err)
	}
}

// escalated: repeats are counted in an incident that was escalated, until its time is
// over, and then, once it is released, in another one.
func (t *storeTest) escalated() {
	inc := t.open("k")
	if _, err := t.s.Join(t.Context(), t.tenant, inc.Fingerprint, incident.Latest{At: epoch.Add(time.Second)}); err != nil {
		t.Fatal(err)
	}
	inc = t.must(inc.Settle(incident.ReasonStepFailed, epoch))
	inc = t.must(inc.Close("", epoch))
	until := inc.HeldUntil()
	for n, at := range []time.Time{epoch.Add(time.Hour), until.Add(-time.Millisecond), epoch} { // the last one comes late
		got, err := t.s.Join(t.Context(), t.tenant, inc.Fingerprint, incident.Latest{At: at})
		t.code("a repeat", err, "")
		t.same("joined", got.Ref, inc.Ref)
		if now := t.load(inc.Ref); now.Occurrences != int64(3+n) {
			t.Errorf("%d occurrences after repeat %d", now.Occurrences, n)
		}
	}
	t.code("another one meanwhile", t.s.Commit(t.Context(), t.opening("k", "x")), incident.CodeDuplicate)
	got, err := t.s.Join(t.Context(), t.tenant, inc.Fingerprint, incident.Latest{At: until})
	t.code("a repeat that is too late", err, incident.CodeLapsed)
	t.same("whose", got.Ref, inc.Ref)
	inc = t.must(t.load(inc.Ref).Release(until))
	if now := t.load(inc.Ref); now.Occurrences != 5 || !now.LastSeenAt.Equal(until.Add(-time.Millisecond)) {
		t.Errorf("after the release: %d occurrences, last seen %s", now.Occurrences, now.LastSeenAt)
	}
	_, err = t.s.Join(t.Context(), t.tenant, inc.Fingerprint, incident.Latest{At: until})
	t.code("a repeat after the release", err, incident.CodeNotFound)
	t.code("another one after the release", t.s.Commit(t.Context(), t.opening("k", "x")), "")
	t.must(t.load(inc.Ref).ResolveEscalated("key:a", "", until))
	if _, err := t.s.Holder(t.Context(), t.tenant, inc.Fingerprint); err != nil {
		t.Errorf("the end of the first one took the fingerprint from the second: %v", err)
	}
}

func (t *storeTest) untold() {
	list := func() []steps.Lag {
		t.Helper()
		list, err := t.s.Untold(t.Context(), t.tenant, "")
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	inc := t.must(t.open("k").Settle(incident.ReasonStepFailed, epoch))
	inc = t.must(inc.Close("", epoch))
	if l := list(); len(l) != 0 {
		t.Errorf("the list begins with %v", l)
	}
	inc = t.must(inc.Recur("source:api", epoch))
	first := steps.Lag{Ref: inc.Ref, Version: inc.Version}
	t.same("after a repeat", list(), []steps.Lag{first})
	inc = t.must(inc.ResolveEscalated("key:a", "", epoch))
	second := steps.Lag{Ref: inc.Ref, Version: inc.Version}
	t.code("what was told before", t.s.Told(t.Context(), first), "")
	t.same("with more to tell", list(), []steps.Lag{second})
	other := t.must(t.open("k2").Settle(incident.ReasonStepFailed, epoch))
	other = t.must(other.Close("", epoch))
	other = t.must(other.Recur("source:api", epoch))
	both := []steps.Lag{second, {Ref: other.Ref, Version: other.Version}}
	slices.SortFunc(both, func(a, b steps.Lag) int { return strings.Compare(a.Ref.ID, b.Ref.ID) })
	t.same("in order", list(), both)
	for n, after := range both {
		rest, err := t.s.Untold(t.Context(), t.tenant, after.Ref.ID)
		t.code("what comes after", err, "")
		t.same("what comes after", len(rest), len(both)-1-n)
	}
	t.code("told", t.s.Told(t.Context(), both[1]), "")
	t.code("told", t.s.Told(t.Context(), both[0]), "")
	t.code("told again", t.s.Told(t.Context(), second), "")
	if l := list(); len(l) != 0 {
		t.Errorf("after everything was told: %v", l)
	}
}

func (t *storeTest) joins() {
	inc := t.open("k")
	for n := range 3 {
		got, err := t.s.Join(t.Context(), t.tenant, inc.Fingerprint, incident.Latest{At: epoch.Add(time.Duration(n) * time.Second)})
		t.code("join", err, "")
		t.same("joined", got.Ref, inc.Ref)
	}
	_, err := t.s.Join(t.Context(), t.tenant, inc.Fingerprint, incident.Latest{At: epoch.Add(-time.Hour)})
	t.code("a join that comes late", err, "")
	now := t.load(inc.Ref)
	if now.Occurrences != 5 || !now.LastSeenAt.Equal(epoch.Add(2*time.Second)) {
		t.Errorf("while open: %d occurrences, last seen %s", now.Occurrences, now.LastSeenAt)
	}
	if now.Version != inc.Version {
		t.Errorf("joins changed the version from %d to %d", inc.Version, now.Version)
	}
	inc = t.must(inc.Settle(incident.ReasonStepFailed, epoch))
	inc = t.must(inc.Close("", epoch))
	t.must(inc.ResolveEscalated("key:a", "", epoch))
	now = t.load(inc.Ref)
	if now.Occurrences != 5 || !now.LastSeenAt.Equal(epoch.Add(2*time.Second)) {
		t.Errorf("after the end: %d occurrences, last seen %s", now.Occurrences, now.LastSeenAt)
	}
	_, err = t.s.Join(t.Context(), t.tenant, inc.Fingerprint, incident.Latest{At: epoch})
	t.code("a join after the end", err, incident.CodeNotFound)
}

// joinsRaceClose escalates an incident while others join it, and then ends it while
// others join it: each join that was answered for is in the count.
func (t *storeTest) joinsRaceClose() {
	inc := t.open("k")
	joined := int64(1)
	inc = t.must(inc.Settle(incident.ReasonStepFailed, epoch))
	c, err := inc.Close("", epoch)
	t.joinsRace(c, err, &joined)
	c, err = c.Incident.ResolveEscalated("key:a", "", epoch)
	t.joinsRace(c, err, &joined)
}

func (t *storeTest) joinsRace(c incident.Change, err error, joined *int64) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	inc := c.Incident
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 10 {
				_, err := t.s.Join(t.Context(), t.tenant, inc.Fingerprint, incident.Latest{At: epoch})
				if incident.KindOf(err) == incident.NotFound {
					return
				}
				if err != nil {
					t.Errorf("join: %v", err)
					return
				}
				mu.Lock()
				*joined++
				mu.Unlock()
			}
		})
	}
	all.Go(func() {
		if err := t.s.Commit(t.Context(), c); err != nil {
			t.Errorf("%s: %v", c.Event.Action, err)
		}
	})
	all.Wait()
	if got := t.load(inc.Ref).Occurrences; got != *joined {
		t.Errorf("%s: %d joins were answered for, %d counted", c.Event.Action, *joined, got)
	}
}

// pages reads a whole list, a few at a time.
func (t *storeTest) pages(q steps.ListQuery) (ids []string) {
	t.Helper()
	q.Tenant = t.tenant
	for range 1000 {
		page, err := t.s.List(t.Context(), q)
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		if len(page.Incidents) > q.Limit {
			t.Fatalf("a page of %d where %d were asked for", len(page.Incidents), q.Limit)
		}
		for _, inc := range page.Incidents {
			ids = append(ids, inc.ID)
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			return ids
		}
	}
	t.Fatal("the list never ends")
	return nil
}

// newestFirst sorts ids as lists do: a ULID begins with its time.
func newestFirst(ids []string) { slices.Sort(ids); slices.Reverse(ids) }

func (t *storeTest) lists() {
	var want []string
	for n := range 25 {
		want = append(want, t.open(string(rune('a'+n))).ID)
	}
	newestFirst(want)
	for _, limit := range []int{1, 7, 25, 100} {
		t.same("list", t.pages(steps.ListQuery{Limit: limit}), want)
	}
}

func (t *storeTest) filters() {
	open, _ := t.asked("a", "x")
	detected := t.open("b")
	closed := t.must(t.open("c").Settle(incident.ReasonStepFailed, epoch))
	closed = t.must(closed.Close("", epoch))
	for status, want := range map[incident.Status][]string{
		incident.WaitingForApproval: {open.ID}, incident.Detected: {detected.ID}, incident.Escalated: {closed.ID}, incident.Resolved: nil,
	} {
		t.same(string(status), t.pages(steps.ListQuery{Limit: 10, Status: status}), want)
	}
	all := []string{open.ID, detected.ID, closed.ID}
	newestFirst(all)
	t.same("the service", t.pages(steps.ListQuery{Limit: 1, Service: "prod-api-01"}), all)
	t.same("another service", t.pages(steps.ListQuery{Limit: 10, Service: "other"}), []string(nil))
	t.same("both", t.pages(steps.ListQuery{Limit: 10, Service: "prod-api-01", Status: incident.Detected}), []string{detected.ID})
}

func (t *storeTest) tenants() {
	inc := t.open("k")
	elsewhere := incident.Ref{Tenant: t.tenant + "x", ID: inc.ID}
	_, err := t.s.Load(t.Context(), elsewhere)
	t.code("load", err, incident.CodeNotFound)
	_, err = t.s.Join(t.Context(), elsewhere.Tenant, inc.Fingerprint, incident.Latest{At: epoch})
	t.code("join", err, incident.CodeNotFound)
	page, err := t.s.List(t.Context(), steps.ListQuery{Tenant: elsewhere.Tenant, Limit: 10})
	if err != nil || len(page.Incidents) > 0 {
		t.Errorf("list: %v %v", page, err)
	}
}

func (t *storeTest) cursor() {
	for _, bad := range []string{"x", "!!!!", "SU5DLTAx", "AAAA"} {
		_, err := t.s.List(t.Context(), steps.ListQuery{Tenant: t.tenant, Limit: 10, Cursor: bad})
		t.code(bad, err, incident.CodeInvalid)
	}
}
