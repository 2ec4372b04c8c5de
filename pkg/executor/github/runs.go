package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// rerunWithin is how long after it began GitHub runs a run again ("Re-running workflows
// and jobs").
const rerunWithin = 30 * 24 * time.Hour

// run is what matters here of a workflow run of the REST API.
type run struct {
	ID         int64     `json:"id"`
	Attempt    int       `json:"run_attempt"`
	Status     string    `json:"status"`     // queued, in_progress, completed, waiting, requested, pending
	Conclusion string    `json:"conclusion"` // of one that is completed
	Commit     string    `json:"head_sha"`
	Title      string    `json:"display_title"` // the run-name, where the workflow sets one
	CreatedAt  time.Time `json:"created_at"`
}

// runs lists the workflow's runs, the latest first.
func (e *Executor) runs(ctx context.Context, q url.Values) ([]run, error) {
	q.Set("exclude_pull_requests", "true")
	var page struct {
		Runs []run `json:"workflow_runs"`
	}
	err := e.get(ctx, "/actions/workflows/"+url.PathEscape(e.settings.Workflow)+"/runs?"+q.Encode(), &page)
	return page.Runs, err
}

func (e *Executor) run(ctx context.Context, id string) (run, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return run{}, incident.Bad("the record names no workflow run")
	}
	var r run
	if err := e.get(ctx, "/actions/runs/"+strconv.FormatInt(n, 10), &r); err != nil {
		return run{}, err
	}
	if r.ID != n {
		return run{}, incident.Bad("GitHub's answer is not the workflow run")
	}
	return r, nil
}

// lastRun is the state for running again: the workflow's last run on the branch, which
// must have failed.
func (e *Executor) lastRun(ctx context.Context) (incident.State, error) {
	all, err := e.runs(ctx, url.Values{"branch": {e.settings.Branch}, "per_page": {"1"}})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || all[0].ID <= 0 {
		return nil, incident.Fail(incident.NotFound, incident.CodeNotFound, "the workflow %s has never run on %s", e.settings.Workflow,
			e.settings.Branch)
	}
	r := all[0]
	switch {
	case r.Status != "completed":
		return nil, incident.Unavail(fmt.Sprintf("run %d of %s is still in progress; wait until it ends", r.ID, e.settings.Workflow), nil)
	case r.Conclusion != "failure" && r.Conclusion != "timed_out":
		return nil, incident.Bad("the last run of %s, %d, did not fail: there is nothing to run again", e.settings.Workflow, r.ID)
	case e.env.Now().Sub(r.CreatedAt) > rerunWithin:
		return nil, incident.Bad("the last run of %s, %d, is older than 30 days: GitHub does not run it again", e.settings.Workflow, r.ID)
	}
	return incident.State{"run": strconv.FormatInt(r.ID, 10), "attempt": strconv.Itoa(r.Attempt), "commit": r.Commit}, nil
}

func (e *Executor) planRerun(present incident.State) incident.Draft {
	return incident.Draft{
		Actions: []string{fmt.Sprintf("POST /repos/%s/actions/runs/%s/rerun-failed-jobs (%s, commit %s)", e.settings.Repo, present["run"],
			e.settings.Workflow, present["commit"])},
		Present: present, Wanted: incident.State{"run": present["run"], "conclusion": "success"},
		Undo:  incident.Undo{Not: "what the workflow does cannot be undone from here"},
		Limit: limit, Blast: incident.Blast{Affected: 1, Of: 1, Unit: "workflow runs"}, Rights: []string{"actions: write on " + e.settings.Repo},
	}
}

func (e *Executor) rerun(ctx context.Context, o steps.Order) steps.Acted {
	id := o.Plan.Present["run"]
	a, err := e.rest(ctx, http.MethodPost, "/actions/runs/"+id+"/rerun-failed-jobs", map[string]any{})
	if err != nil {
		return e.tell.Ended(fixRerun, a, err)
	}
	return e.tell.Took(fixRerun, incident.State{"run": id}, "GitHub runs the failed jobs of run %s again", id)
}

// seeRerun looks at the attempt that follows the one of the plan.
func (e *Executor) seeRerun(ctx context.Context, o steps.Order) (steps.Sight, error) {
	r, err := e.run(ctx, o.Plan.Present["run"])
	if err != nil {
		return steps.Sight{}, err
	}
	before, _ := strconv.Atoi(o.Plan.Present["attempt"])
	switch {
	case r.Attempt <= before:
		return e.tell.Saw(steps.Settling, "attempt %d of run %d is not to be seen yet", before+1, r.ID), nil
	case r.Attempt > before+1:
		return e.tell.Saw(steps.NotVerified, "somebody ran run %d again meanwhile: it is at attempt %d", r.ID, r.Attempt), nil
	}
	return e.ended(r), nil
}

func (e *Executor) ended(r run) steps.Sight {
	switch {
	case r.Status != "completed":
		return e.tell.Saw(steps.Settling, "run %d, attempt %d, is in progress", r.ID, r.Attempt)
	case r.Conclusion == "success":
		return e.tell.Saw(steps.Verified, "run %d, attempt %d, ended with success", r.ID, r.Attempt)
	}
	return e.tell.Saw(steps.NotVerified, "run %d, attempt %d, ended without success; its log says why", r.ID, r.Attempt)
}
