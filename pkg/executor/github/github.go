// Package github opens a pull request that reverts the last merged one, runs the failed
// jobs of a workflow again, and starts a workflow that is a runbook. Start at Integration.
//
// Formats are those of GitHub's REST API, version 2022-11-28, and of its GraphQL mutation
// revertPullRequest (GitHub changelog, 27 January 2023). GitHub takes no precondition on
// any of them: Act looks once more right before it asks. Nothing here ever merges.
package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

const (
	fixRevert  = "revert-change"
	fixRerun   = "rerun-workflow"
	fixRunbook = "run-runbook"
)

const (
	apiVersion = "2022-11-28"
	// maxAnswer bounds an answer, in bytes: a page of pull requests holds their texts.
	maxAnswer = 4 << 20
	// pageSize is how many pull requests are looked through.
	pageSize = 50
	// limit is how long a workflow may run; revertLimit, until a pull request is seen.
	limit       = 30 * time.Minute
	revertLimit = 5 * time.Minute
)

// Settings are a target's attributes.
type Settings struct {
	Repo     string             `setting:"repo" help:"the repository, as OWNER/NAME"`
	Branch   string             `setting:"branch" default:"main" help:"the branch that is deployed: its last merged pull request is reverted, its workflow runs are run again"`
	Workflow string             `setting:"workflow" default:"" help:"the workflow's file in .github/workflows, such as deploy.yml; rerun-workflow and run-runbook need it"`
	Ref      string             `setting:"ref" default:"" help:"the branch or tag whose workflow file run-runbook runs; branch if left out"`
	API      string             `setting:"api" default:"https://api.github.com" help:"the API's address; https://HOST/api/v3 for Enterprise Server"`
	Token    integration.Secret `setting:"token" help:"a fine-grained token for the repository: contents and pull requests (write) for revert-change, actions (write) and contents (read) for the others"`
}

// Validate holds the settings to what can be part of an address.
func (s Settings) Validate() error {
	_, err := integration.BaseURL("api", s.API)
	all := []error{err, named("branch", s.Branch)}
	owner, name, two := strings.Cut(s.Repo, "/")
	if !two || integration.Segment("repo", owner) != nil || integration.Segment("repo", name) != nil {
		all = append(all, incident.BadField("repo", "must be OWNER/NAME, such as acme/shop"))
	}
	if s.Ref != "" {
		all = append(all, named("ref", s.Ref))
	}
	if s.Workflow != "" && (integration.Segment("workflow", s.Workflow) != nil ||
		!strings.HasSuffix(s.Workflow, ".yml") && !strings.HasSuffix(s.Workflow, ".yaml")) {
		all = append(all, incident.BadField("workflow", "must be a file's name in .github/workflows, such as deploy.yml"))
	}
	return errors.Join(all...)
}

// named holds a setting to the name of a branch or tag.
func named(setting, text string) error {
	for part := range strings.SplitSeq(text, "/") {
		if integration.Segment(setting, part) != nil || strings.HasPrefix(part, "-") || strings.Contains(part, "..") {
			return incident.BadField(setting, "must be the name of a branch or tag, without refs/heads/")
		}
	}
	return nil
}

// Integration describes the executor.
func Integration() integration.Descriptor[steps.Executor] {
	return integration.New("github", "opens reverting pull requests and runs workflows of a GitHub repository", Open).NamedBy("api", "repo").Can(
		integration.Ability{Fix: fixRevert, Does: "opens a pull request that reverts the last pull request merged into the branch; it " +
			"merges nothing",
			Undo:     "closes that pull request, if it is still open and nobody pushed to it; its branch stays",
			Verifies: "the pull request is open, or was merged by somebody",
			Rights:   "contents and pull requests: write"},
		integration.Ability{Fix: fixRerun, Does: "runs the failed jobs of the workflow's last run on the branch again",
			Verifies: "the run's next attempt ends with success", Rights: "actions: write"},
		integration.Ability{Fix: fixRunbook, Does: "dispatches the workflow on the ref, with the inputs incident and key and no others",
			Verifies: "the run that was dispatched ends with success", Rights: "actions: write, contents: read"},
	)
}

// Executor acts on one repository. It may be used concurrently.
type Executor struct {
	env      integration.Env
	settings Settings
	tell     steps.Teller
}

// Open opens the executor. It calls nobody.
func Open(env integration.Env, s Settings) (steps.Executor, error) {
	if s.Ref == "" {
		s.Ref = s.Branch
	}
	return &Executor{env, s, steps.Teller{Now: env.Now}}, nil
}

// rest calls the REST API below the repository.
func (e *Executor) rest(ctx context.Context, method, path string, body any) (integration.Answer, error) {
	return e.call(ctx, method, "/repos/"+e.settings.Repo+path, body)
}

func (e *Executor) get(ctx context.Context, path string, into any) error {
	a, err := e.rest(ctx, http.MethodGet, path, nil)
	if err == nil && json.Unmarshal(a.Body, into) != nil {
		err = incident.Bad("GitHub's answer cannot be read; check the target's api in services.yaml")
	}
	return err
}

func (e *Executor) call(ctx context.Context, method, path string, body any) (integration.Answer, error) {
	base, err := integration.BaseURL("api", e.settings.API)
	if err != nil {
		return integration.Answer{}, err
	}
	if path == graphqlPath { // it is beside the REST API on Enterprise Server
		base = strings.TrimSuffix(base, "/v3")
	}
	token, err := e.env.Secret(ctx, e.settings.Token)
	if err != nil {
		return integration.Answer{}, err
	}
	return e.env.Exchange(ctx, integration.Call{Vendor: "GitHub", Method: method, URL: base + path, Body: body, Max: maxAnswer,
		Header: http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/vnd.github+json"},
			"X-Github-Api-Version": {apiVersion}},
		Judge: e.judge, Limit: e.limited, RequestID: "X-Github-Request-Id"})
}

// judge words a refusal. GitHub answers 404 for what the token may not see.
func (e *Executor) judge(status int, _ []byte) string {
	switch status {
	case http.StatusUnauthorized:
		return fmt.Sprintf("GitHub does not accept the token (401); replace %s", e.env.Place(e.settings.Token))
	case http.StatusForbidden:
		return fmt.Sprintf("GitHub refused (403): the token may not do this to %s, or the run can no longer be run again; check the "+
			"permissions of %s",
			e.settings.Repo, e.env.Place(e.settings.Token))
	case http.StatusNotFound:
		return fmt.Sprintf("GitHub has no such thing in %s (404), or the token may not see it; check the target in services.yaml, and the "+
			"token's permissions", e.settings.Repo)
	case http.StatusUnprocessableEntity:
		return "GitHub refused the call (422): the workflow must have a workflow_dispatch trigger with the inputs incident and key on that ref"
	}
	return ""
}

// limited tells GitHub's two rate limits, as "Rate limits for the REST API" describes
// them: 403 or 429, with no call remaining, or with the secondary limit's own error.
func (e *Executor) limited(a integration.Answer) (time.Duration, bool) {
	if a.Status != http.StatusForbidden && a.Status != http.StatusTooManyRequests {
		return 0, false
	}
	if a.Header.Get("X-Ratelimit-Remaining") == "0" && a.Header.Get("Retry-After") == "" {
		reset, err := strconv.ParseInt(a.Header.Get("X-Ratelimit-Reset"), 10, 64)
		wait := time.Unix(reset, 0).Sub(e.env.Now())
		if err != nil || wait <= 0 || wait > 2*time.Hour {
			wait = time.Minute
		}
		return wait, true
	}
	var refusal struct {
		Message string `json:"message"`
		URL     string `json:"documentation_url"`
	}
	if json.Unmarshal(a.Body, &refusal) != nil {
		return 0, false
	}
	return 0, strings.HasSuffix(refusal.URL, "secondary-rate-limits") || strings.HasSuffix(refusal.URL, "#abuse-rate-limits") ||
		strings.Contains(refusal.Message, "secondary rate limit")
}

// Look implements steps.Executor.
func (e *Executor) Look(ctx context.Context, p incident.Proposal) (incident.State, error) {
	switch {
	case p.FixID == fixRevert:
		return e.lastMerged(ctx)
	case e.settings.Workflow == "" && (p.FixID == fixRerun || p.FixID == fixRunbook):
		return nil, incident.BadField("workflow", "is missing; name the workflow's file in the target in services.yaml")
	case p.FixID == fixRerun:
		return e.lastRun(ctx)
	case p.FixID == fixRunbook:
		return e.runbook(ctx)
	}
	return nil, cannot(p.FixID)
}

func cannot(fix string) error {
	return incident.BadField("fixId", "%s cannot be done on a GitHub repository", fix)
}

// Plan implements steps.Executor.
func (e *Executor) Plan(present incident.State, p incident.Proposal) (incident.Draft, error) {
	switch p.FixID {
	case fixRevert:
		return e.planRevert(present), nil
	case fixRerun:
		return e.planRerun(present), nil
	case fixRunbook:
		return e.planRunbook(present), nil
	}
	return incident.Draft{}, cannot(p.FixID)
}

// Act looks once more and does the fix.
func (e *Executor) Act(ctx context.Context, o steps.Order) steps.Acted {
	name := o.Plan.FixID
	if late, is := e.tell.Late(ctx, name); is {
		return late
	}
	now, err := e.Look(ctx, o.Plan.Proposal())
	switch {
	case err != nil:
		return e.tell.Refused(name, "%s", err.Error())
	case !equal(now, o.Plan.Present):
		return e.tell.Refused(name, "it is no longer as it was when the fix was planned")
	case name == fixRevert:
		return e.revert(ctx, o)
	case name == fixRerun:
		return e.rerun(ctx, o)
	}
	return e.dispatch(ctx, o)
}

// Verify implements steps.Executor.
func (e *Executor) Verify(ctx context.Context, o steps.Order) (steps.Sight, error) {
	switch o.Plan.FixID {
	case fixRevert:
		return e.seeRevert(ctx, o)
	case fixRerun:
		return e.seeRerun(ctx, o)
	}
	return e.seeRunbook(ctx, o)
}

// Undo closes the pull request; nothing else can be undone.
func (e *Executor) Undo(ctx context.Context, o steps.Order) steps.Acted {
	if late, is := e.tell.Late(ctx, "undo"); is {
		return late
	}
	if o.Plan.FixID != fixRevert {
		return e.tell.Refused("undo", "what a workflow has done cannot be undone from here")
	}
	return e.closeRevert(ctx, o)
}
