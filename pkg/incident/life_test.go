package incident

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
			l.commit(l.inc.Took(State{"id": "7"}, nil, any(t, "acted", "looked") == "looked", l.now))
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
		"queue":  func(t *rapid.T) { l.commit(l.inc.Queue(any(t, "INC-A", "INC-B"), l.now), nil) },
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

// waiting returns an incident that people have been asked about.
func waiting(t *testing.T, plan *Plan) Incident {
	t.Helper()
	inc := Open(New{Ref: testRef(), Alert: testAlert(), By: SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: epoch}).Incident
	var p *Proposal
	if plan != nil {
		p = &Proposal{FixID: plan.FixID, Parameters: plan.Parameters}
	}
	c, err := inc.Propose(Analysis{AnalyzedBy: ByRules, Cause: "c"}, p, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.Incident.Planned(Planning{Plan: plan}, epoch); err != nil {
		t.Fatal(err)
	}
	c, err = c.Incident.Await(Ask{Token: NewTaskToken("tok"), EnteredAt: epoch, Now: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return c.Incident
}

func decide(t *testing.T, inc Incident, a Action, by Actor, at time.Time) Incident {
	t.Helper()
	c, err := inc.Vote(Vote{Action: a, By: by}, Verdict{Allowed: true, Decides: true, Reason: "may"}, at)
	if err != nil {
		t.Fatal(err)
	}
	return c.Incident
}

func TestVoteIsRefusedForTheFirstReasonThatApplies(t *testing.T) {
	plan := testPlan("d1")
	open := waiting(t, plan)
	detected := Open(New{Ref: testRef(), Alert: testAlert(), ApprovalTimeout: 4 * time.Hour, Now: epoch}).Incident
	approved := decide(t, open, Approve, "key:a", epoch)
	settled, _ := open.Settle(ReasonApprovalTimeout, epoch.Add(5*time.Hour))
	late := open.Asked.Deadline
	for _, c := range []struct {
		name string
		inc  Incident
		vote Vote
		ok   bool // what the policy says
		at   time.Time
		want Code
	}{
		{"allowed", open, Vote{Action: Approve, By: "key:a"}, true, epoch, ""},
		{"policy before everything", approved, Vote{Action: Escalate, By: "key:b"}, false, late, CodeForbidden},
		{"one millisecond before the deadline", open, Vote{Action: Approve, By: "key:a"}, true, late.Add(-time.Millisecond), ""},
		{"at the deadline", open, Vote{Action: Approve, By: "key:a"}, true, late, CodeExpired},
		{"timed out", settled.Incident, Vote{Action: Escalate, By: "key:a"}, true, epoch, CodeExpired},
		{"deadline before already decided", approved, Vote{Action: Escalate, By: "key:b"}, true, late, CodeExpired},
		{"not waiting", detected, Vote{Action: Approve, By: "key:a"}, true, epoch, CodeNotWaiting},
		{"nothing to approve", waiting(t, nil), Vote{Action: Approve, By: "key:a"}, true, epoch, CodeNoFix},
		{"resolve a manual review", waiting(t, nil), Vote{Action: Resolve, By: "key:a"}, true, epoch, ""},
		{"already decided otherwise", approved, Vote{Action: Escalate, By: "key:b"}, true, epoch, CodeAlreadyDecided},
		{"the same decision again", approved, Vote{Action: Approve, By: "key:b"}, true, epoch, ""},
		{"the same decision again, late", approved, Vote{Action: Approve, By: "key:b"}, true, late, ""},
		{"the same decision on another plan", approved, Vote{Action: Approve, By: "key:b", PlanHash: testPlan("d2").Hash}, true, epoch, CodeAlreadyDecided},
		{"another plan", open, Vote{Action: Approve, By: "key:a", PlanHash: testPlan("d2").Hash}, true, epoch, CodePlanChanged},
		{"this plan", open, Vote{Action: Approve, By: "key:a", PlanHash: plan.Hash}, true, epoch, ""},
	} {
		_, err := c.inc.Vote(c.vote, Verdict{Allowed: c.ok, Decides: true}, c.at)
		if got := CodeOf(err); got != c.want || err != nil && c.want == "" {
			t.Errorf("%s: got %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

func TestClaimIsRefusedUnlessEverythingHolds(t *testing.T) {
	plan := testPlan("d1")
	open := waiting(t, plan)
	approved := decide(t, open, Approve, "key:a", epoch)
	tampered := approved
	evil := *plan
	evil.Target.Service = "prod-db-01"
	tampered.Plan = &evil
	recovered, _ := approved.Recover(epoch)
	refused, _ := approved.Refuse(ReasonTargetBusy, epoch)
	claimed, _ := approved.Claim(Claimer{}, plan, epoch)
	for _, c := range []struct {
		name  string
		inc   Incident
		today *Plan
		at    time.Time
		want  Code
	}{
		{"approved", approved, plan, epoch.Add(MaxApprovalAge), ""},
		{"not approved", open, plan, epoch, CodeNotApproved},
		{"escalated instead", decide(t, open, Escalate, "key:a", epoch), plan, epoch, CodeNotApproved},
		{"plan changed in the store", tampered, &evil, epoch, CodeNotApproved},
		{"approval too old", approved, plan, epoch.Add(MaxApprovalAge + time.Millisecond), CodeApprovalStale},
		{"plan resolves to something else", approved, testPlan("d2"), epoch, CodePlanStale},
		{"plan no longer resolves", approved, nil, epoch, CodePlanStale},
		{"recovered", recovered.Incident, plan, epoch, CodeRecovered},
		{"refused before", refused.Incident, plan, epoch, CodeRefused},
		{"claimed before", claimed.Incident, plan, epoch, CodeAlreadyClaimed},
	} {
		_, err := c.inc.Claim(Claimer{}, c.today, c.at)
		if got := CodeOf(err); got != c.want || err != nil && c.want == "" {
			t.Errorf("%s: got %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

func TestConclusionFollowsFromTheRecordAlone(t *testing.T) {
	plan := testPlan("d1")
	open := waiting(t, plan)
	approved := decide(t, open, Approve, "key:a", epoch)
	claimed := func(o Outcome, verified bool) Incident {
		c, err := approved.Claim(Claimer{}, plan, epoch)
		if err != nil {
			t.Fatal(err)
		}
		if o == "" {
			return c.Incident
		}
		c, err = c.Incident.Record(Result{Outcome: o, Verified: verified}, epoch)
		if err != nil {
			t.Fatal(err)
		}
		return c.Incident
	}
	refused := func(r Reason) Incident { c, _ := approved.Refuse(r, epoch); return c.Incident }
	settled := func(r Reason) Incident { c, _ := open.Settle(r, epoch); return c.Incident }
	for _, c := range []struct {
		inc    Incident
		status Status
		reason Reason
	}{
		{claimed(Fixed, true), Resolved, ""},
		{claimed(Simulated, true), Resolved, ""},
		{claimed(Fixed, false), Escalated, ReasonFixUnverified},
		{claimed(Failed, false), Escalated, ReasonFixFailed},
		{claimed(Unknown, false), Escalated, ReasonFixUnknown},
		{claimed(Unknown, true), Escalated, ReasonFixUnknown},
		{claimed("", false), Escalated, ReasonFixUnknown},
		{refused(ReasonApprovalStale), Escalated, ReasonApprovalStale},
		{refused(refusalRecovered), Resolved, ""},
		{decide(t, open, Resolve, "key:a", epoch), Resolved, ""},
		{decide(t, open, Escalate, "key:a", epoch), Escalated, ReasonChosen},
		{settled(ReasonApprovalTimeout), Escalated, ReasonApprovalTimeout},
		{settled(ReasonStepFailed), Escalated, ReasonStepFailed},
		{approved, Escalated, ReasonStepFailed},
		{open, Escalated, ReasonStepFailed},
	} {
		status, reason := c.inc.Conclusion()
		if status != c.status || reason != c.reason {
			t.Errorf("decision %+v refusal %q attempt %+v: got %s %s, want %s %s", c.inc.Decision, c.inc.Refusal, c.inc.Attempt, status, reason, c.status, c.reason)
		}
	}
}

func TestALateResultIsKeptButTheStatusStays(t *testing.T) {
	plan := testPlan("d1")
	c, err := decide(t, waiting(t, plan), Approve, "key:a", epoch).Claim(Claimer{}, plan, epoch)
	if err != nil {
		t.Fatal(err)
	}
	c, err = c.Incident.Close("", epoch)
	if err != nil || c.Incident.EscalationReason != ReasonFixUnknown {
		t.Fatalf("close under a running fix: %v %s", err, c.Incident.EscalationReason)
	}
	c, err = c.Incident.Record(Result{Outcome: Fixed, Verified: true}, epoch)
	if err != nil || c.Event.Action != EventFixLate || c.Incident.Status != Escalated || c.Free == "" {
		t.Fatalf("late result: %v, event %s, status %s, free %q", err, c.Event.Action, c.Incident.Status, c.Free)
	}
}

func TestDeadlineLeavesTimeToDeliver(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		2 * time.Second: 1500 * time.Millisecond, time.Minute: 45 * time.Second,
		4 * time.Minute: 3 * time.Minute, 4 * time.Hour: 4*time.Hour - time.Minute,
	} {
		if got := DeadlineFor(epoch, timeout).Sub(epoch); got != want {
			t.Errorf("timeout %s: decisions close after %s, want %s", timeout, got, want)
		}
	}
}

func TestTaskTokenNeverPrints(t *testing.T) {
	const secret = "AQCEAAAAKgAAAAMAAAAA"
	tok := NewTaskToken(secret)
	for _, s := range []string{fmt.Sprint(tok), fmt.Sprintf("%v %+v %#v %s %q", tok, tok, tok, tok, tok), mustJSON(t, Wait{Token: tok}), fmt.Sprintf("%+v", Wait{Token: tok}), tok.LogValue().String()} {
		if want := secret; s == "" || strings.Contains(s, want) {
			t.Errorf("the token shows: %s", s)
		}
	}
}

// A target goes back with the record of its fix's end, whoever records it, unless
// something of the fix may still be under way there.
func TestTheTargetGoesBackWithTheEndOfItsFix(t *testing.T) {
	plan := testPlan("d1")
	claim, err := decide(t, waiting(t, plan), Approve, "key:a", epoch).Claim(Claimer{Runner: "first"}, plan, epoch)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		r    Result
		free bool
	}{
		{"it was done", Result{Outcome: Fixed, Verified: true}, true},
		{"it failed", Result{Outcome: Failed}, true},
		{"the call that acted cannot tell", Result{Outcome: Unknown}, false},
		{"the call that acted cannot tell, of a fix that touches nothing", Result{Outcome: Unknown, Over: true}, true},
		{"a look, while the call that acted may still act", Result{Outcome: Fixed, Verified: true, Looked: true}, false},
		{"a look, by one who knows that nothing acts any more", Result{Outcome: Fixed, Verified: true, Looked: true, Over: true}, true},
		{"a look that cannot tell", Result{Outcome: Unknown, Looked: true}, false},
	} {
		got, err := claim.Incident.Record(c.r, epoch)
		if err != nil || (got.Free != "") != c.free || got.Incident.Holds(epoch) == c.free || (got.Event.Details["targetHeldUntil"] == "") != c.free {
			t.Errorf("%s: %v, frees %q, held %v, %v", c.name, err, got.Free, got.Incident.Attempt.Held, got.Event.Details)
		}
	}
	if claim.Incident.Holds(claim.Incident.Attempt.Until) {
		t.Error("a hold that has lapsed still holds")
	}
}

func TestWhatWasConcludedByALookIsNotRewritten(t *testing.T) {
	plan := testPlan("d1")
	c, err := decide(t, waiting(t, plan), Approve, "key:a", epoch).Claim(Claimer{}, plan, epoch)
	if err != nil {
		t.Fatal(err)
	}
	looked, err := c.Incident.Record(Result{Outcome: Fixed, Verified: true, Looked: true}, epoch)
	if err != nil || looked.Free != "" || looked.Event.Details["looked"] != "true" {
		t.Fatalf("a look: %v, frees %q, %v", err, looked.Free, looked.Event.Details)
	}
	again, err := looked.Incident.Record(Result{Outcome: Unknown, Looked: true}, epoch)
	if err != nil || !again.Empty() {
		t.Fatalf("a second look: %v %+v", err, again.Event)
	}
	heard, err := looked.Incident.Record(Result{Outcome: Failed}, epoch)
	if err != nil || heard.Free == "" || heard.Event.Action != EventFixLate || heard.Incident.Attempt.Outcome != Fixed {
		t.Fatalf("the one that acted: %v, frees %q, %s, %+v", err, heard.Free, heard.Event.Action, heard.Incident.Attempt)
	}
}

// Waiting for a turn is told once for each fix that is waited for, and only while
// the approved fix waits.
func TestWaitingForATurnIsRecordedOncePerHolder(t *testing.T) {
	plan := testPlan("d1")
	approved := decide(t, waiting(t, plan), Approve, "key:a", epoch)
	first := approved.Queue("INC-A", epoch.Add(time.Second))
	if first.Event.Action != EventFixQueued || first.Event.Details["heldBy"] != "INC-A" || first.Event.Details["target"] != plan.Target.Key() {
		t.Fatalf("recorded %+v", first.Event)
	}
	if again := first.Incident.Queue("INC-A", epoch.Add(time.Minute)); !again.Empty() {
		t.Errorf("the same holder is told twice: %+v", again.Event)
	}
	next := first.Incident.Queue("INC-B", epoch.Add(time.Minute))
	if q := next.Incident.Queued; q == nil || q.Holder != "INC-B" || !q.Since.Equal(epoch.Add(time.Second)) {
		t.Errorf("after another took the target: %+v", q)
	}
	refused, err := next.Incident.Refuse(ReasonTargetBusy, epoch.Add(time.Hour))
	if err != nil || refused.Event.Details["waitedFor"] != "INC-B" || refused.Event.Details["waitedSince"] != FormatTime(epoch.Add(time.Second)) {
		t.Errorf("the refusal says %v %v", refused.Event.Details, err)
	}
	claimed, err := next.Incident.Claim(Claimer{}, plan, epoch.Add(2*time.Minute))
	if err != nil || claimed.Incident.Queued != nil {
		t.Errorf("after its turn came: %+v %v", claimed.Incident.Queued, err)
	}
	for name, inc := range map[string]Incident{"undecided": waiting(t, plan), "claimed": claimed.Incident, "refused": refused.Incident,
		"escalated": decide(t, waiting(t, plan), Escalate, "key:a", epoch)} {
		if c := inc.Queue("INC-A", epoch); !c.Empty() {
			t.Errorf("%s: it waits for a turn: %+v", name, c.Event)
		}
	}
}

// A clock that is behind must not reopen what a later one has closed.
func TestAClockThatIsBehindReopensNoDeadline(t *testing.T) {
	inc := waiting(t, testPlan("d1"))
	c, err := inc.Notified(nil, true, inc.Asked.Deadline)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Incident.Vote(Vote{Action: Approve, By: "key:a"}, Verdict{Allowed: true, Decides: true}, epoch)
	if CodeOf(err) != CodeExpired {
		t.Errorf("got %v", err)
	}
}

// When fewer votes are needed than when one was given, giving it again decides.
func TestAVoteCountedBeforeDecidesWhenTheQuorumWasLowered(t *testing.T) {
	c, err := waiting(t, testPlan("d1")).Vote(Vote{Action: Approve, By: "key:a"}, Verdict{Allowed: true, Have: 1, Needed: 2}, epoch)
	if err != nil || c.Incident.Decision != nil {
		t.Fatal(err, c.Incident.Decision)
	}
	c, err = c.Incident.Vote(Vote{Action: Approve, By: "key:a"}, Verdict{Allowed: true, Decides: true, Have: 1, Needed: 1}, epoch)
	if err != nil || c.Incident.Decision == nil || len(c.Incident.Votes) != 1 {
		t.Errorf("%v, decision %+v, votes %v", err, c.Incident.Decision, c.Incident.Votes)
	}
}

// Two calls that claim at the same millisecond write different events, so that a
// store that lost an answer does not take the other's claim for its own.
func TestEveryCallsClaimIsItsOwn(t *testing.T) {
	plan := testPlan("d1")
	approved := decide(t, waiting(t, plan), Approve, "key:a", epoch)
	hashes := map[string]bool{}
	for _, call := range []string{"one", "two"} {
		c, err := approved.Claim(Claimer{Call: call}, plan, epoch)
		if err != nil {
			t.Fatal(err)
		}
		hashes[c.Event.Hash] = true
	}
	if len(hashes) != 2 {
		t.Error("the claims of two calls are the same event")
	}
}
