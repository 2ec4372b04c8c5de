package github

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

const graphqlPath = "/graphql"

// revertMutation opens the pull request. In the answer the outer revertPullRequest is the
// mutation, the inner one the new pull request.
const revertMutation = `mutation($input: RevertPullRequestInput!) {
  revertPullRequest(input: $input) { revertPullRequest { number headRefOid } }
}`

// pull is what matters here of a pull request of the REST API.
type pull struct {
	Number      int       `json:"number"`
	NodeID      string    `json:"node_id"`
	State       string    `json:"state"` // open, closed
	Title       string    `json:"title"`
	Body        string    `json:"body"`
	MergedAt    time.Time `json:"merged_at"` // zero: it was not merged
	MergeCommit string    `json:"merge_commit_sha"`
	Head        struct {
		Ref string `json:"ref"`
		SHA string `json:"sha"`
	} `json:"head"`
}

func equal(a, b incident.State) bool { return maps.Equal(a, b) }

func (e *Executor) pulls(ctx context.Context, state, sort string) ([]pull, error) {
	q := url.Values{"state": {state}, "base": {e.settings.Branch}, "sort": {sort}, "direction": {"desc"}, "per_page": {strconv.Itoa(pageSize)}}
	var all []pull
	err := e.get(ctx, "/pulls?"+q.Encode(), &all)
	return all, err
}

// lastMerged finds the pull request that was merged last, among the 50 that changed last.
// One that is itself a revert is not reverted: that would bring back what was taken out.
func (e *Executor) lastMerged(ctx context.Context) (incident.State, error) {
	closed, err := e.pulls(ctx, "closed", "updated")
	if err != nil {
		return nil, err
	}
	merged := slices.DeleteFunc(closed, func(p pull) bool { return p.MergedAt.IsZero() || p.MergeCommit == "" || p.NodeID == "" })
	if len(merged) == 0 {
		return nil, incident.Fail(incident.NotFound, incident.CodeNotFound,
			"no pull request was merged into %s lately; revert the change by hand", e.settings.Branch)
	}
	last := slices.MaxFunc(merged, func(a, b pull) int { return a.MergedAt.Compare(b.MergedAt) })
	if strings.HasPrefix(last.Head.Ref, "revert-") || strings.HasPrefix(last.Title, "Revert ") {
		return nil, incident.Bad("the last pull request merged into %s, #%d, is itself a revert; look whether it is deployed", e.settings.Branch,
			last.Number)
	}
	open, err := e.pulls(ctx, "open", "created")
	if err != nil {
		return nil, err
	}
	for _, p := range open {
		// GitHub names the branch of a revert so, whoever asks for it.
		if strings.HasPrefix(p.Head.Ref, fmt.Sprintf("revert-%d-", last.Number)) {
			return nil, incident.Bad("pull request #%d already reverts #%d; review that one", p.Number, last.Number)
		}
	}
	return incident.State{"pull": strconv.Itoa(last.Number), "mergeCommit": last.MergeCommit, "node": last.NodeID}, nil
}

func (e *Executor) planRevert(present incident.State) incident.Draft {
	return incident.Draft{
		Actions: []string{fmt.Sprintf("GraphQL revertPullRequest for #%s of %s (merge commit %s): opens a pull request into %s, which is "+
			"not merged",
			present["pull"], e.settings.Repo, present["mergeCommit"], e.settings.Branch)},
		Present: present, Wanted: incident.State{"reverting pull request": "open"},
		Undo: incident.Undo{Actions: []string{fmt.Sprintf("PATCH /repos/%s/pulls/(the new one) with state closed", e.settings.Repo)},
			Wanted: incident.State{"reverting pull request": "closed"}},
		Limit: revertLimit, Blast: incident.Blast{Affected: 1, Of: 1, Unit: "pull requests"},
		Rights: []string{"contents: write on " + e.settings.Repo, "pull requests: write on " + e.settings.Repo},
	}
}

type revertAnswer struct {
	Data struct {
		Revert *struct {
			Revert *struct {
				Number int    `json:"number"`
				Head   string `json:"headRefOid"`
			} `json:"revertPullRequest"`
		} `json:"revertPullRequest"`
	} `json:"data"`
	Errors []struct {
		Type string `json:"type"`
	} `json:"errors"`
}

func (e *Executor) revert(ctx context.Context, o steps.Order) steps.Acted {
	number := o.Plan.Present["pull"]
	a, err := e.call(ctx, http.MethodPost, graphqlPath, map[string]any{"query": revertMutation,
		"variables": map[string]any{"input": map[string]any{
			"pullRequestId": o.Plan.Present["node"], "clientMutationId": o.Key, "draft": false,
			"title": fmt.Sprintf("Revert #%s for incident %s", number, o.Ref.ID),
			"body": fmt.Sprintf("Reverts #%s. A person approved this for incident %s; OpsGuard opens it and merges nothing.\n\nKey: %s",
				number, o.Ref.ID, o.Key),
		}}})
	if err != nil {
		return e.tell.Ended(fixRevert, a, err)
	}
	var answer revertAnswer
	if json.Unmarshal(a.Body, &answer) != nil {
		return e.tell.Unsure(fixRevert, "GitHub's answer cannot be read")
	}
	if r := answer.Data.Revert; r != nil && r.Revert != nil && r.Revert.Number > 0 {
		return e.tell.Took(fixRevert, incident.State{"pull": strconv.Itoa(r.Revert.Number), "head": r.Revert.Head},
			"GitHub opened pull request #%d, which reverts #%s", r.Revert.Number, number)
	}
	for _, one := range answer.Errors {
		// These are refusals; an error without a type may have come halfway.
		if slices.Contains([]string{"FORBIDDEN", "NOT_FOUND", "UNPROCESSABLE", "RATE_LIMITED", "INSUFFICIENT_SCOPES"}, one.Type) {
			return e.tell.Refused(fixRevert, "GitHub refused to revert #%s (%s): it may conflict with what came after it, "+
				"or the token may not push; revert it by hand", number, one.Type)
		}
	}
	return e.tell.Unsure(fixRevert, "GitHub did not say that it opened a pull request")
}

// reverting finds the pull request that the fix opened: by its number, else by the key in
// its text. nil: there is none to be seen.
func (e *Executor) reverting(ctx context.Context, o steps.Order) (*pull, error) {
	if number, err := strconv.Atoi(o.Fix["pull"]); err == nil {
		var p pull
		if err := e.get(ctx, "/pulls/"+strconv.Itoa(number), &p); err != nil {
			return nil, err
		}
		return &p, nil
	}
	all, err := e.pulls(ctx, "all", "created")
	if err != nil {
		return nil, err
	}
	key := o.Plan.Key(o.Ref, false)
	for _, p := range all {
		if strings.Contains(p.Body, "Key: "+key) {
			return &p, nil
		}
	}
	return nil, nil
}

func (e *Executor) seeRevert(ctx context.Context, o steps.Order) (steps.Sight, error) {
	p, err := e.reverting(ctx, o)
	switch {
	case err != nil:
		return steps.Sight{}, err
	case p == nil:
		return e.tell.Saw(steps.Settling, "no pull request of this fix is to be seen yet"), nil
	case !p.MergedAt.IsZero() && !o.Undoing:
		return e.tell.Saw(steps.Verified, "pull request #%d was merged by somebody", p.Number), nil
	case !p.MergedAt.IsZero():
		return e.tell.Saw(steps.NotVerified, "pull request #%d was merged meanwhile", p.Number), nil
	case p.State == "open" && !o.Undoing:
		return e.tell.Saw(steps.Verified, "pull request #%d is open; it takes effect once somebody merges and deploys it", p.Number), nil
	case p.State == "closed" && o.Undoing:
		return e.tell.Saw(steps.Verified, "pull request #%d is closed; its branch is still there", p.Number), nil
	case p.State == "closed":
		return e.tell.Saw(steps.NotVerified, "pull request #%d was closed without being merged", p.Number), nil
	case len(o.Receipt) == 0:
		return e.tell.Saw(steps.Settling, "pull request #%d is still open", p.Number), nil
	}
	return e.tell.Saw(steps.NotVerified, "pull request #%d was opened again", p.Number), nil
}

// closeRevert closes the pull request if it is as the fix opened it.
func (e *Executor) closeRevert(ctx context.Context, o steps.Order) steps.Acted {
	p, err := e.reverting(ctx, o)
	switch {
	case err != nil:
		return e.tell.Refused("undo", "%s", err.Error())
	case p == nil:
		return e.tell.Refused("undo", "the fix's pull request is not to be found")
	case p.State != "open":
		return e.tell.Refused("undo", "pull request #%d is not open any more", p.Number)
	case o.Fix["head"] != "" && p.Head.SHA != o.Fix["head"]:
		return e.tell.Refused("undo", "somebody has pushed to pull request #%d", p.Number)
	}
	a, err := e.rest(ctx, http.MethodPatch, "/pulls/"+strconv.Itoa(p.Number), map[string]string{"state": "closed"})
	if err != nil {
		return e.tell.Ended("undo", a, err)
	}
	return e.tell.Took("undo", incident.State{"pull": strconv.Itoa(p.Number)}, "pull request #%d was closed", p.Number)
}
