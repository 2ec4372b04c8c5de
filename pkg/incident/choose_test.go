package incident

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// contested is a manual review with two candidates.
func contested(t testing.TB) Incident {
	t.Helper()
	next := func(c Change, err error) Incident {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c.Incident
	}
	inc := Open(New{Ref: testRef(), Alert: testAlert(), By: SourceActor("api"), ApprovalTimeout: 4 * time.Hour, Now: epoch}).Incident
	inc = next(inc.Propose(Analysis{AnalyzedBy: ByNone, ManualReason: "why"}, nil, epoch))
	inc = next(inc.Planned(Planning{Candidates: []Plan{*testPlan("d1"), *testPlan("d2")}}, epoch))
	return next(inc.Await(Ask{ManualReason: "why", Token: NewTaskToken("t"), EnteredAt: epoch, Now: epoch}))
}

func TestACandidateIsChosenByItsHashOnly(t *testing.T) {
	decides := Verdict{Allowed: true, Decides: true}
	for name, tc := range map[string]struct {
		vote Vote
		want Code
	}{
		"no hash":                           {Vote{Action: Approve, By: "key:a"}, CodeChoosePlan},
		"another hash":                      {Vote{Action: Approve, By: "key:a", PlanHash: testPlan("d3").Hash}, CodePlanChanged},
		"part of a hash":                    {Vote{Action: Approve, By: "key:a", PlanHash: testPlan("d1").Hash[:12]}, CodePlanChanged},
		"the first":                         {Vote{Action: Approve, By: "key:a", PlanHash: testPlan("d1").Hash}, ""},
		"the second":                        {Vote{Action: Approve, By: "key:a", PlanHash: testPlan("d2").Hash}, ""},
		"a resolution that names none":      {Vote{Action: Resolve, By: "key:a"}, ""},
		"an escalation of one":              {Vote{Action: Escalate, By: "key:a", PlanHash: testPlan("d1").Hash}, CodePlanChanged},
		"a resolution with another's hash":  {Vote{Action: Resolve, By: "key:a", PlanHash: "x"}, CodePlanChanged},
		"an escalation that names no plan":  {Vote{Action: Escalate, By: "key:a"}, ""},
		"a link's approval without a plan":  {Vote{Action: Approve, By: "link:chat"}, CodeChoosePlan},
		"a link's approval of a candidate":  {Vote{Action: Approve, By: "link:chat", PlanHash: testPlan("d2").Hash}, ""},
		"a link's approval of another plan": {Vote{Action: Approve, By: "link:chat", PlanHash: "x"}, CodePlanChanged},
	} {
		inc := contested(t)
		c, err := inc.Vote(tc.vote, decides, epoch.Add(time.Minute))
		if CodeOf(err) != tc.want {
			t.Errorf("%s: %v; want %q", name, err, tc.want)
			continue
		}
		if err != nil {
			continue
		}
		got := c.Incident
		if got.Decision.PlanHash != tc.vote.PlanHash || c.Event.Details["planHash"] != tc.vote.PlanHash {
			t.Errorf("%s: decided %+v, the trail says %v", name, got.Decision, c.Event.Details)
		}
		if chosen := tc.vote.Action == Approve; chosen != (got.Plan != nil) || chosen && got.Plan.Hash != tc.vote.PlanHash {
			t.Errorf("%s: the plan is %+v", name, got.Plan)
		}
		if chosen := tc.vote.Action == Approve; chosen != (c.Event.Details["fixId"] == "restart-service") {
			t.Errorf("%s: the trail says %v", name, c.Event.Details)
		}
	}
}

// What was chosen is executed as any other plan, and nothing else is.
func TestAChosenCandidateIsClaimedAsAPlan(t *testing.T) {
	inc := must(t)(contested(t).Vote(Vote{Action: Approve, By: "key:a", PlanHash: testPlan("d2").Hash}, Verdict{Allowed: true, Decides: true}, epoch))
	if _, err := inc.Claim(Claimer{}, testPlan("d1"), epoch); CodeOf(err) != CodePlanStale {
		t.Errorf("the other candidate is claimed: %v", err)
	}
	inc = must(t)(inc.Claim(Claimer{}, testPlan("d2"), epoch))
	if inc.Plan.Hash != testPlan("d2").Hash || inc.Status != ExecutingFix {
		t.Errorf("%s %+v", inc.Status, inc.Plan)
	}
	if again, err := inc.Vote(Vote{Action: Approve, By: "key:b", PlanHash: testPlan("d2").Hash}, Verdict{Allowed: true, Decides: true}, epoch); err != nil || !again.Empty() {
		t.Errorf("the same again: %v", err)
	}
	if _, err := inc.Vote(Vote{Action: Approve, By: "key:b", PlanHash: testPlan("d1").Hash}, Verdict{Allowed: true, Decides: true}, epoch); CodeOf(err) != CodeAlreadyDecided {
		t.Errorf("another candidate afterwards: %v", err)
	}
}

// However people vote and think again, each stands behind one candidate at most, the one
// they approved last.
func TestEachPersonStandsBehindOneCandidate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inc, last := contested(t), map[Actor]string{}
		for range rapid.IntRange(1, 8).Draw(rt, "votes") {
			v := Vote{Action: Approve, By: rapid.SampledFrom([]Actor{"key:a", "key:b", "key:c"}).Draw(rt, "by"),
				PlanHash: testPlan(rapid.SampledFrom([]string{"d1", "d2"}).Draw(rt, "plan")).Hash}
			before := slices.Clone(inc.Votes)
			c, err := inc.Vote(v, Verdict{Allowed: true, Have: 1, Needed: 9}, epoch)
			if err != nil {
				rt.Fatal(err)
			}
			if !cmp.Equal(before, inc.Votes) {
				rt.Fatal("the votes were changed in place")
			}
			if c.Empty() != (last[v.By] == v.PlanHash) {
				rt.Fatalf("counted: %v, though the last was %.6s", !c.Empty(), last[v.By])
			}
			inc, last[v.By] = c.Incident, v.PlanHash
		}
		stands := map[Actor]string{}
		for _, v := range inc.Votes {
			stands[v.By] += v.PlanHash
		}
		if diff := cmp.Diff(last, stands); diff != "" || inc.Plan != nil || inc.Decision != nil {
			rt.Fatalf("votes (-last +stand):\n%s", diff)
		}
	})
}
