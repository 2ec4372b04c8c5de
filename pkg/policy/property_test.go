package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/policy"
)

func drawActor() *rapid.Generator[incident.Actor] {
	return rapid.SampledFrom([]incident.Actor{"key:a", "key:b", "key:c", "key:d", "link:discord", "link:slack",
		incident.Local, incident.System, "source:api", "key:", "link:", ""})
}

func drawVote() *rapid.Generator[incident.Vote] {
	return rapid.Custom(func(t *rapid.T) incident.Vote {
		return incident.Vote{
			By:       drawActor().Draw(t, "by"),
			Action:   rapid.SampledFrom([]incident.Action{incident.Approve, incident.Approve, incident.Approve, incident.Escalate, incident.Resolve}).Draw(t, "action"),
			PlanHash: rapid.SampledFrom([]string{hash, hash, hash, "bbbb", ""}).Draw(t, "plan"),
		}
	})
}

func drawRule() *rapid.Generator[policy.Rule] {
	return rapid.Custom(func(t *rapid.T) policy.Rule {
		return policy.Rule{
			Quorum:    rapid.IntRange(-1, 4).Draw(t, "quorum"),
			Approvers: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 3, rapid.ID[string]).Draw(t, "approvers"),
			PlanHash:  rapid.SampledFrom([]string{hash, hash, ""}).Draw(t, "frozen"),
		}
	})
}

// distinct counts, by other words than Decide's, the keys and the one local
// person who approved the plan and may.
func distinct(rule policy.Rule, votes []incident.Vote, plan string) int {
	people := map[string]bool{}
	for _, v := range votes {
		name, isKey := strings.CutPrefix(string(v.By), "key:")
		person := isKey && name != "" || (v.By == incident.Local || v.By.IsLink() && rule.Quorum <= 1 && len(v.By) > len("link:"))
		named := len(rule.Approvers) == 0 || isKey && slices.Contains(rule.Approvers, name)
		if v.Action == incident.Approve && v.PlanHash == plan && person && named {
			people[string(v.By)] = true
		}
	}
	return len(people)
}

// voting is a vote on top of others, under a rule.
type voting struct {
	rule  policy.Rule
	votes []incident.Vote
	vote  incident.Vote
}

func drawVoting() *rapid.Generator[voting] {
	return rapid.Custom(func(t *rapid.T) voting {
		return voting{drawRule().Draw(t, "rule"), rapid.SliceOfN(drawVote(), 0, 8).Draw(t, "votes"), drawVote().Draw(t, "vote")}
	})
}

// approves checks what is decided, and reports whether that is to approve.
func approves(t rapid.TB, c voting) bool {
	rule, votes, v := c.rule, c.votes, c.vote
	got := policy.Decide(rule, votes, v, at())
	if got.Reason == "" || got.Needed != max(1, rule.Quorum) {
		t.Fatalf("verdict %+v", got)
	}
	if got.Decides && !got.Allowed {
		t.Fatalf("decides though it is not allowed: %+v", got)
	}
	if !got.Decides || v.Action != incident.Approve {
		return false
	}
	plan := v.PlanHash
	if plan == "" {
		plan = rule.PlanHash
	}
	v.PlanHash = plan
	if plan == "" || rule.PlanHash != "" && plan != rule.PlanHash {
		t.Fatalf("decides on the plan %q, frozen is %q", plan, rule.PlanHash)
	}
	if n := distinct(rule, append(slices.Clone(votes), v), plan); n < rule.Quorum || n < 1 || got.Have != n {
		t.Fatalf("decides with %d different people (Have %d), needed %d", n, got.Have, rule.Quorum)
	}
	return true
}

// The votings of fixed seeds show that approvals come up, also where a random run is
// short and may have none.
func TestNeverDecidesToApproveWithFewerDifferentPeopleThanTheQuorum(t *testing.T) {
	alone, together := 0, 0
	for seed := range 500 {
		c := drawVoting().Example(seed)
		switch {
		case !approves(t, c):
		case c.rule.Quorum <= 1:
			alone++
		default:
			together++
		}
	}
	if alone == 0 || together == 0 {
		t.Errorf("one person decided %d times, several %d times; the property was never put to the test", alone, together)
	}
	rapid.Check(t, func(t *rapid.T) { approves(t, drawVoting().Draw(t, "voting")) })
}

func TestTheOrderOfVotesAndRepeatedVotesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, votes, v := drawRule().Draw(t, "rule"), rapid.SliceOfN(drawVote(), 0, 8).Draw(t, "votes"), drawVote().Draw(t, "vote")
		want := policy.Decide(rule, votes, v, at())
		shuffled := rapid.Permutation(votes).Draw(t, "shuffled")
		if len(votes) > 0 {
			again := rapid.SliceOf(rapid.SampledFrom(votes)).Draw(t, "again")
			shuffled = append(slices.Clone(again), shuffled...)
		}
		if diff := cmp.Diff(want, policy.Decide(rule, shuffled, v, at())); diff != "" {
			t.Fatalf("the verdict differs:\n%s", diff)
		}
	})
}

func TestOneMoreVoteNeverUndoesAnApproval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule, votes, v := drawRule().Draw(t, "rule"), rapid.SliceOfN(drawVote(), 0, 8).Draw(t, "votes"), drawVote().Draw(t, "vote")
		before := policy.Decide(rule, votes, v, at())
		after := policy.Decide(rule, append(slices.Clone(votes), drawVote().Draw(t, "more")), v, at())
		if after.Allowed != before.Allowed || before.Decides && !after.Decides || after.Have < before.Have {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}
