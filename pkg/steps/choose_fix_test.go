package steps_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

const contestedServices = `
services:
  api:
    owner: platform
    target: {type: ecs, cluster: blue}
    fixes: [restart-service, scale-out]
  careful:
    owner: platform
    target: {type: ecs, cluster: green}
    fixes: [restart-service, scale-out]
    approval: {twoPersonFixes: [scale-out]}
  pair:
    owner: platform
    target: {type: ecs, cluster: red}
    fixes: [restart-service, scale-out]
    approval: {quorum: 2}
  named:
    owner: platform
    target: {type: ecs, cluster: grey}
    fixes: [restart-service]
    approval: {approvers: [anna]}
`

// contested is a manual review, because the model failed, with its candidates.
func (w *world) contested(service string) (incident.Ref, []incident.Plan) {
	w.Helper()
	return w.contestedBy(contestedServices, service)
}

func (w *world) contestedBy(services, service string) (incident.Ref, []incident.Plan) {
	w.Helper()
	w.services(services)
	ref := w.detected(service)
	if _, err := w.analyze(&analyst{err: incident.Unavail("down", nil)}).Handle(w.Context(), ref); err != nil {
		w.Fatal(err)
	}
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		w.Fatal(err)
	}
	inc := w.load(ref)
	if inc.Plan != nil || len(inc.Candidates) == 0 {
		w.Fatalf("%+v, %d candidates", inc.Plan, len(inc.Candidates))
	}
	return ref, inc.Candidates
}

func (w *world) choose(ref incident.Ref, by incident.Actor, hash string) (steps.ApproveFixOutput, error) {
	return w.approve().Handle(w.Context(), steps.ApproveFixInput{Ref: ref, Action: incident.Approve, By: by, PlanHash: hash})
}

func TestTheChosenCandidateAndNothingElseIsExecuted(t *testing.T) {
	w := newWorld(t)
	ref, candidates := w.contested("api")
	out, err := w.choose(ref, "key:anna", candidates[1].Hash)
	if err != nil || out.Decision == nil || out.Decision.PlanHash != candidates[1].Hash {
		t.Fatalf("%+v %v", out, err)
	}
	if got := w.workflow.delivered; len(got) != 1 || !strings.Contains(got[0].Output, candidates[1].Hash) {
		t.Errorf("delivered %+v", got)
	}
	if _, err := w.execute().Handle(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]incident.Plan{candidates[1]}, w.executor.runs); diff != "" {
		t.Errorf("what was run (-chosen +run):\n%s", diff)
	}
	inc := w.closed(ref)
	if inc.Status != incident.Resolved || inc.Plan.Hash != candidates[1].Hash {
		t.Errorf("%s %+v", inc.Status, inc.Plan)
	}
}

// Two people who choose differently have not agreed on anything.
func TestVotesForDifferentCandidatesDoNotAddUp(t *testing.T) {
	w := newWorld(t)
	ref, c := w.contested("pair")
	for i, vote := range []struct {
		by   incident.Actor
		plan int
		have int
	}{{"key:anna", 0, 1}, {"key:ben", 1, 1}, {"key:anna", 0, 1}, {"key:anna", 1, 2}} {
		out, err := w.choose(ref, vote.by, c[vote.plan].Hash)
		last := i == 3
		if err != nil || out.Approvals != vote.have || out.Needed != 2 || (out.Decision != nil) != last {
			t.Fatalf("vote %d: %+v %v", i+1, out, err)
		}
	}
	if inc := w.load(ref); inc.Plan.Hash != c[1].Hash || inc.Decision.PlanHash != c[1].Hash || len(inc.Votes) != 2 {
		t.Errorf("%+v %+v", inc.Plan, inc.Votes)
	}
}

// A person who thought again does not complete the quorum of what they chose first.
func TestWhoThinksAgainTakesTheFirstApprovalBack(t *testing.T) {
	w := newWorld(t)
	ref, c := w.contested("pair")
	for _, plan := range []int{0, 1} {
		if _, err := w.choose(ref, "key:anna", c[plan].Hash); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := w.choose(ref, "key:ben", c[0].Hash); err != nil || out.Decision != nil || out.Approvals != 1 {
		t.Errorf("%+v %v", out, err)
	}
	if n := w.count(ref, incident.EventVoted); n != 3 {
		t.Errorf("the trail tells of %d votes", n)
	}
}

// The rule is that of the chosen fix, not of the review.
func TestAChosenFixAsksForItsOwnQuorum(t *testing.T) {
	w := newWorld(t)
	ref, c := w.contested("careful")
	if c[1].FixID != "scale-out" {
		t.Fatalf("%+v", c)
	}
	_, err := w.choose(ref, "link:chat", c[1].Hash)
	wantCode(t, "a link for what needs two people", err, incident.CodeForbidden)
	if out, err := w.choose(ref, "key:anna", c[1].Hash); err != nil || out.Decision != nil || out.Needed != 2 {
		t.Errorf("one of two: %+v %v", out, err)
	}
	if out, err := w.choose(ref, "link:chat", c[0].Hash); err != nil || out.Decision == nil || out.Decision.By != "link:chat" {
		t.Errorf("a link for what needs one: %+v %v", out, err)
	}
}

func TestOnlyLinksThatCanChooseAreSent(t *testing.T) {
	w := newWorld(t)
	for service, want := range map[string]struct{ choose, escalate bool }{
		"api": {true, true}, "careful": {true, true}, "pair": {false, true}, "named": {false, false},
	} {
		ref, _ := w.contested(service)
		links := steps.DecidableLinks{Linker: w.links, Inventory: w.inv}.Links(w.load(ref), "chat")
		if links.Approve != "" || (links.Choose != "") != want.choose || (links.Escalate != "") != want.escalate {
			t.Errorf("%s: choose %v, escalate %v", service, links.Choose != "", links.Escalate != "")
		}
	}
}

func TestACandidateThatIsFrozenNowSaysSo(t *testing.T) {
	w := newWorld(t)
	ref, candidates := w.contestedBy(contestedServices+`
freezes:
  - {name: new year, services: [api], cron: "0 0 2 1 *", for: 4h, timezone: UTC, except: [restart-service]}
`, "api")
	inc := w.load(ref)
	for _, c := range candidates {
		if frozen := strings.Contains(inc.Cautions[c.Hash], `by the window "new year"`); frozen != (c.FixID != "restart-service") {
			t.Errorf("%s: people are told %q", c.FixID, inc.Cautions[c.Hash])
		}
	}
}
