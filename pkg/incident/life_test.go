package incident

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

func testAlert() Alert {
	return Alert{Tenant: DefaultTenant, Source: "api", Service: "prod-api-01", ErrorLogs: "JavaScript heap out of memory", Severity: High}
}

func testRef() Ref { return Ref{DefaultTenant, "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"} }

func testPlan(digest string) *Plan {
	p := Plan{FixID: "restart-service", Title: "Restart prod-api-01", Risk: "low", FixDigest: digest,
		Target: Target{Service: "prod-api-01", Type: "simulated"}, Parameters: map[string]string{}}.With(Draft{Actions: []string{"restart it"}, Present: State{"revision": "42"}, Wanted: State{"revision": "43"},
		Undo: Undo{Actions: []string{"put it back"}, Wanted: State{"revision": "42"}}}, "ability").Freeze(testRef())
	return &p
}

// life is one incident, everything that was written of it, and what must never
// change once it is there.
type life struct {
	t       *rapid.T
	now     time.Time
	inc     Incident
	events  []Event
	wait    *Wait
	entered time.Time
	retries int64
	claims  int
	undos   int
	over    bool // the result that is being recorded says that nothing can be under way
	freed   int  // how often the fingerprint was given back
}

// commit applies a change as a store would, and checks what holds for every one.
func (l *life) commit(c Change, err error) {
	if err != nil || c.Empty() {
		return
	}
	if c.Incident.Version != l.inc.Version+1 || c.Event.Seq != c.Incident.Version {
		l.t.Fatalf("version %d follows %d, event seq %d", c.Incident.Version, l.inc.Version, c.Event.Seq)
	}
	if c.Incident.Status != l.inc.Status && !l.inc.Status.CanBecome(c.Incident.Status) {
		l.t.Fatalf("%s became %s", l.inc.Status, c.Incident.Status)
	}
	if l.inc.Decision != nil && !cmp.Equal(l.inc.Decision, c.Incident.Decision) {
		l.t.Fatalf("the standing decision changed:\n%s", cmp.Diff(l.inc.Decision, c.Incident.Decision))
	}
	if l.inc.Asked != nil && !cmp.Equal(l.inc.Plan, c.Incident.Plan) && !l.chose(c) {
		l.t.Fatalf("the frozen plan changed:\n%s", cmp.Diff(l.inc.Plan, c.Incident.Plan))
	}
	if l.inc.Asked != nil && !c.Incident.Asked.Deadline.Equal(l.inc.Asked.Deadline) {
		l.t.Fatal("the deadline moved")
	}
	switch was, is := l.inc.Attempt, c.Incident.Attempt; {
	case is == nil:
	case was == nil:
		l.checkClaim(c)
	case was.Undoing == nil && is.Undoing != nil:
		l.checkUndo(c)
	case c.Take != nil && (!was.Held || !l.inc.Settling() || l.inc.Status != ExecutingFix):
		l.t.Fatal("the target was taken for a fix that is not under way")
	}
	if c.Free != "" && !l.over {
		l.t.Fatal("the target was given back while the fix may be under way")
	}
	if a := c.Incident.Attempt; a != nil && (a.Held != (l.inc.Attempt == nil || l.inc.Attempt.Held && c.Free == "")) {
		l.t.Fatalf("the record says held %v, and the change frees %q", a.Held, c.Free)
	}
	if q := c.Incident.Queued; q != nil && (c.Incident.Attempt != nil || c.Incident.Decision.Action != Approve) {
		l.t.Fatal("something waits for its turn that was not approved, or has had it")
	}
	if d := c.Incident.Decision; d != nil && d.By != System && d.By != SourceActor("api") && !d.At.Before(c.Incident.Asked.Deadline) {
		l.t.Fatal("a decision was taken at or after the deadline")
	}
	if c.FreeDedup {
		if l.freed++; l.freed > 1 || c.Incident.HoldsFingerprint() {
			l.t.Fatalf("the fingerprint was given back %d times, and the record says held %v", l.freed, c.Incident.HoldsFingerprint())
		}
	}
	if held := c.Incident.HoldsFingerprint(); held != (l.freed == 0) {
		l.t.Fatalf("held %v after %d times given back", held, l.freed)
	}
	if c.Wait != nil {
		if l.wait != nil && (c.Wait.EnteredAt.Before(l.wait.EnteredAt) || c.Wait.EnteredAt.Equal(l.wait.EnteredAt) && c.Wait.RetryCount <= l.wait.RetryCount) {
			l.t.Fatal("an older task token replaced a newer one")
		}
		l.wait = c.Wait
	}
	l.inc, l.events = c.Incident, append(l.events, c.Event)
	if bad := VerifyChain(l.inc, l.events); bad != nil {
		l.t.Fatalf("event %d %s", bad.Seq, bad.Why)
	}
	if l.inc.Status == Resolved {
		l.checkResolved()
	}
}

// chose reports whether a change made a candidate the plan, by approving it.
func (l *life) chose(c Change) bool {
	p, d := c.Incident.Plan, c.Incident.Decision
	return l.inc.Plan == nil && p != nil && d != nil && d.Action == Approve && d.PlanHash == p.Hash && c.Event.Details["planHash"] == p.Hash &&
		slices.ContainsFunc(l.inc.Candidates, func(one Plan) bool { return one.Hash == p.Hash && cmp.Equal(one, *p) })
}

func (l *life) checkClaim(c Change) {
	l.claims++
	d := l.inc.Decision
	switch {
	case l.claims > 1:
		l.t.Fatal("claimed twice")
	case d == nil || d.Action != Approve || l.inc.Plan == nil || d.PlanHash != l.inc.Plan.Hash:
		l.t.Fatal("claimed without an approval of this plan")
	case l.now.Sub(d.At) > MaxApprovalAge:
		l.t.Fatal("claimed on a stale approval")
	case l.inc.RecoveredAt != nil || l.inc.Refusal != "":
		l.t.Fatal("claimed after recovery or refusal")
	case c.Incident.Status != ExecutingFix || c.Take == nil:
		l.t.Fatal("claimed without executing, or without the target")
	}
}

func (l *life) checkUndo(c Change) {
	l.undos++
	a, d := l.inc.Attempt, l.inc.Decision
	switch {
	case l.undos > 1:
		l.t.Fatal("undone twice")
	case a.FinishedAt == nil || a.Outcome != Applied || a.Verified:
		l.t.Fatalf("a fix is undone that is %q, verified %v", a.Outcome, a.Verified)
	case d == nil || d.Action != Approve || d.PlanHash != l.inc.Plan.Hash:
		l.t.Fatal("undone without an approval of this plan")
	case !a.Held || c.Take == nil || c.Incident.Status != ExecutingFix:
		l.t.Fatal("undone without the target, or after the end")
	}
}

func (l *life) checkResolved() {
	d, a := l.inc.Decision, l.inc.Attempt
	fixed := a != nil && a.FinishedAt != nil && a.Verified && (a.Outcome == Fixed || a.Outcome == Simulated)
	closed := a == nil && d != nil && d.Action == Resolve
	recovered := a == nil && l.inc.RecoveredAt != nil
	after := l.inc.Resolution != nil && l.inc.EscalationReason != "" && l.inc.EscalatedAt != nil
	if !fixed && !closed && !recovered && !after {
		l.t.Fatalf("RESOLVED without a reason: decision %+v attempt %+v", d, a)
	}
}

func (l *life) ops() map[string]func(*rapid.T) {
	any := func(t *rapid.T, of ...string) string { return rapid.SampledFrom(of).Draw(t, "pick") }
	return map[string]func(*rapid.T){
		"clock": func(t *rapid.T) {
			l.now = l.now.Add(time.Duration(rapid.Int64Range(-5, 1200).Draw(t, "seconds")) * time.Second)
		},
		"propose": func(t *rapid.T) {
			p := &Proposal{FixID: "restart-service", Parameters: map[string]string{}}
			if any(t, "fix", "none") == "none" {
				p = nil
			}
			l.commit(l.inc.Propose(Analysis{AnalyzedBy: ByRules, Cause: "c"}, p, l.now))
		},
		"await": func(t *rapid.T) {
			ask := Ask{Token: NewTaskToken("t"), EnteredAt: l.entered, RetryCount: l.retries, Now: l.now}
			switch any(t, "same", "retry", "entered", "older") {
			case "retry":
				l.retries++
				ask.RetryCount = l.retries
			case "entered":
				l.entered = l.now
				ask.EnteredAt = l.now
			case "older":
				ask.EnteredAt = l.entered.Add(-time.Second)
			}
			l.commit(l.inc.Await(ask))
		},
		"plan": func(t *rapid.T) {
			switch any(t, "plan", "plan", "candidates", "reason") {
			case "plan":
				l.commit(l.inc.Planned(Planning{Plan: testPlan(any(t, "d1", "d1", "d1", "d2"))}, l.now))
			case "candidates":
				l.commit(l.inc.Planned(Planning{Candidates: []Plan{*testPlan("d1"), *testPlan("d2")}}, l.now))
			default:
				l.commit(l.inc.Planned(Planning{ManualReason: "the target is gone"}, l.now))
			}
		},
		"took": func(t *rapid.T) {
			looked, a := any(t, "acted", "looked") == "looked", l.inc.Attempt
			// The call that acted has come back, and the target was seen as wanted: nothing is under way.
			l.over = !looked && a != nil && a.Verified && a.Undoing == nil
			l.commit(l.inc.Took(State{"id": "7"}, nil, looked, l.now))
			l.over = false
		},
		"renew":     func(*rapid.T) { l.commit(l.inc.Renew(l.now), nil) },
		"undo":      func(*rapid.T) { l.commit(l.inc.ClaimUndo(Claimer{}, l.now)) },
		"took undo": func(*rapid.T) { l.commit(l.inc.TookUndo(nil, nil, false, l.now)) },
		"record undo": func(t *rapid.T) {
			r := Result{Outcome: Outcome(any(t, "undone", "applied", "failed", "unknown")), Over: any(t, "perhaps not", "over") == "over"}
			l.over = r.Over
			l.commit(l.inc.RecordUndo(r, l.now))
			l.over = false
		},
		"notified": func(t *rapid.T) {
			l.commit(l.inc.Notified([]Notice{{Channel: any(t, "console", "discord")}}, any(t, "yes", "no") == "yes", l.now))
		},
		"vote": func(t *rapid.T) {
			v := Vote{Action: Action(any(t, "approve", "escalate", "resolve")), By: Actor(any(t, "key:a", "key:b", "link:discord"))}
			if (l.inc.Plan != nil || len(l.inc.Candidates) > 0) && any(t, "hash", "none") == "hash" {
				v.PlanHash = testPlan(any(t, "d1", "d1", "d1", "d2")).Hash
			}
			l.commit(l.inc.Vote(v, Verdict{Allowed: any(t, "yes", "no") == "yes", Decides: any(t, "yes", "no") == "yes", Reason: "r"}, l.now))
		},
		"settle":  func(*rapid.T) { l.commit(l.inc.Settle(ReasonApprovalTimeout, l.now)) },
		"recover": func(*rapid.T) { l.commit(l.inc.Recover(l.now)) },
		"claim": func(t *rapid.T) {
			var today *Plan
			if any(t, "there", "gone") == "there" {
				today = testPlan(any(t, "d1", "d1", "d1", "d2"))
			}
			c, err := l.inc.Claim(Claimer{}, today, l.now)
			l.commit(c, err)
			if reason, final := RefusalFor(err); final {
				l.commit(l.inc.Refuse(reason, l.now))
			}
		},
		"record": func(t *rapid.T) {
			r := Result{Outcome: Outcome(any(t, "fixed", "simulated", "failed", "unknown", "applied", "stale")), Verified: any(t, "yes", "no") == "yes",
				Looked: any(t, "acted", "looked") == "looked", Over: any(t, "perhaps not", "over") == "over"}
			l.over = r.Over || !r.Looked && r.Outcome != Unknown && r.Outcome != Applied
			l.commit(l.inc.Record(r, l.now))
			l.over = false
		},
		"queue": func(t *rapid.T) {
			l.commit(l.inc.Queue(any(t, "INC-A", "INC-B"), any(t, "", "web"), l.now), nil)
		},
		"ticket": func(*rapid.T) { l.commit(l.inc.Ticketed(Ticket{Tracker: "simulated", Key: "SIM-1", URL: "u"}, l.now)) },
		"close":  func(*rapid.T) { l.commit(l.inc.Close("", l.now)) },
		"recur":  func(*rapid.T) { l.commit(l.inc.Recur("source:api", l.now)) },
		"release": func(*rapid.T) {
			l.commit(l.inc.Release(l.now))
			if l.inc.Status == Escalated && l.inc.HoldsFingerprint() && !l.now.Before(l.inc.HeldUntil()) {
				l.t.Fatal("a lapsed incident keeps its fingerprint")
			}
		},
		"resolve": func(*rapid.T) {
			before := l.inc
			c, err := l.inc.ResolveEscalated("key:a", "", l.now)
			if l.commit(c, err); err == nil && before.Status != Escalated && before.Resolution == nil {
				l.t.Fatalf("resolved from %s", before.Status)
			}
		},
		"a day": func(*rapid.T) { l.now = l.now.Add(25 * time.Hour) },
	}
}

// begin takes the straight way for some steps, so that what follows happens in
// every status: a random walk alone hardly ever reaches a running fix.
func (l *life) begin(steps int) {
	if steps > 0 {
		l.commit(l.inc.Propose(Analysis{AnalyzedBy: ByRules, Cause: "c"}, &Proposal{FixID: "restart-service", Parameters: map[string]string{}}, l.now))
	}
	if steps > 1 {
		l.commit(l.inc.Planned(Planning{Plan: testPlan("d1")}, l.now))
		l.commit(l.inc.Await(Ask{Token: NewTaskToken("t"), EnteredAt: l.entered, Now: l.now}))
	}
	if steps > 2 {
		l.commit(l.inc.Vote(Vote{Action: Approve, By: "key:a"}, Verdict{Allowed: true, Decides: true}, l.now))
	}
	if steps > 3 {
		l.commit(l.inc.Claim(Claimer{}, testPlan("d1"), l.now))
	}
	if steps > 4 {
		l.commit(l.inc.Took(nil, nil, false, l.now))
	}
	if steps > 5 {
		l.commit(l.inc.Record(Result{Outcome: Applied, Looked: true}, l.now))
	}
}

func TestEveryLifeKeepsThePromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := &life{t: rt, now: epoch, entered: epoch}
		l.commit(Open(New{Ref: testRef(), Alert: testAlert(), By: SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: l.now}), nil)
		l.begin(rapid.IntRange(0, 6).Draw(rt, "begun"))
		ops := l.ops()
		steps := rapid.IntRange(1, 40).Draw(rt, "steps")
		names := []string{"clock", "propose", "plan", "took", "renew", "undo", "took undo", "record undo", "await", "notified", "vote", "settle", "recover", "queue", "claim", "record", "ticket", "close"}
		for range steps {
			name := rapid.SampledFrom(names).Draw(rt, "op")
			held := l.inc
			before := mustJSON(rt, held)
			ops[name](rt)
			if after := mustJSON(rt, held); after != before {
				rt.Fatalf("%s wrote into the value it was called on:\n%s", name, cmp.Diff(before, after))
			}
		}
		// Whatever happened, there is a way to the end.
		l.now = l.now.Add(time.Hour)
		if l.inc.Open() {
			l.commit(l.inc.Settle(ReasonStepFailed, l.now))
			if l.inc.Status == Detected {
				l.commit(l.inc.Close("", l.now))
			} else {
				l.commit(l.inc.Close("no tracker", l.now))
			}
		}
		if l.inc.Open() {
			rt.Fatalf("an incident that is %s cannot be ended; decision %+v", l.inc.Status, l.inc.Decision)
		}
		if l.inc.Status == Escalated && l.inc.EscalationReason == "" {
			rt.Fatal("escalated without a reason")
		}
	})
}

func mustJSON(t interface{ Fatal(...any) }, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
