package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// clockSkew is how far GitHub's clock may be behind ours when a run is looked for.
const clockSkew = 2 * time.Minute

// runbook is the state for a runbook: which content the workflow's file has on the ref.
func (e *Executor) runbook(ctx context.Context) (incident.State, error) {
	var workflow struct {
		State string `json:"state"`
	}
	if err := e.get(ctx, "/actions/workflows/"+url.PathEscape(e.settings.Workflow), &workflow); err != nil {
		return nil, err
	}
	if workflow.State != "active" {
		return nil, incident.Bad("the workflow %s is disabled; enable it in GitHub", e.settings.Workflow)
	}
	var file struct {
		SHA string `json:"sha"`
	}
	path := "/contents/.github/workflows/" + url.PathEscape(e.settings.Workflow) + "?" + url.Values{"ref": {e.settings.Ref}}.Encode()
	if err := e.get(ctx, path, &file); err != nil {
		return nil, err
	}
	if file.SHA == "" {
		return nil, incident.Fail(incident.NotFound, incident.CodeNotFound, "%s has no workflow file %s on %s", e.settings.Repo,
			e.settings.Workflow, e.settings.Ref)
	}
	before, err := e.runs(ctx, url.Values{"branch": {e.settings.Ref}, "event": {"workflow_dispatch"}, "per_page": {"10"}})
	if err != nil {
		return nil, err
	}
	for _, r := range before {
		if r.Status != "completed" {
			return nil, incident.Unavail(fmt.Sprintf("the runbook is already running (run %d); wait until it ends", r.ID), nil)
		}
	}
	return incident.State{"ref": e.settings.Ref, "file": file.SHA}, nil
}

func (e *Executor) planRunbook(present incident.State) incident.Draft {
	return incident.Draft{
		Actions: []string{fmt.Sprintf("POST /repos/%s/actions/workflows/%s/dispatches with ref %s (file %s) and the inputs incident and key",
			e.settings.Repo, e.settings.Workflow, present["ref"], present["file"])},
		Present: present, Wanted: incident.State{"conclusion": "success"},
		Undo:  incident.Undo{Not: "what the workflow does cannot be undone from here"},
		Limit: limit, Blast: incident.Blast{Affected: 1, Of: 1, Unit: "workflow runs"},
		Rights: []string{"actions: write on " + e.settings.Repo, "contents: read on " + e.settings.Repo},
	}
}

type dispatch struct {
	Ref    string            `json:"ref"`
	Inputs map[string]string `json:"inputs"`
	// ReturnRunDetails makes GitHub answer 200 with the run's id and not 204 (changelog of
	// 19 February 2026). Older Enterprise Servers refuse the field.
	ReturnRunDetails bool `json:"return_run_details,omitempty"`
}

func (e *Executor) dispatch(ctx context.Context, o steps.Order) steps.Acted {
	body := dispatch{Ref: e.settings.Ref, Inputs: map[string]string{"incident": o.Ref.ID, "key": o.Key}, ReturnRunDetails: true}
	a, err := e.send(ctx, body)
	if a.Status == http.StatusUnprocessableEntity && strings.Contains(string(a.Body), "return_run_details") {
		body.ReturnRunDetails = false // that it was refused is certain
		a, err = e.send(ctx, body)
	}
	if err != nil {
		return e.tell.Ended(fixRunbook, a, err)
	}
	var details struct {
		Run int64 `json:"workflow_run_id"`
	}
	if json.Unmarshal(a.Body, &details) == nil && details.Run > 0 {
		id := strconv.FormatInt(details.Run, 10)
		return e.tell.Took(fixRunbook, incident.State{"run": id}, "GitHub started run %s", id)
	}
	return e.tell.Took(fixRunbook, incident.State{"ref": e.settings.Ref}, "GitHub has taken the dispatch, and does not say which run it is")
}

func (e *Executor) send(ctx context.Context, body dispatch) (integration.Answer, error) {
	return e.rest(ctx, http.MethodPost, "/actions/workflows/"+url.PathEscape(e.settings.Workflow)+"/dispatches", body)
}

// seeRunbook finds the run by its id, else by the key in its name. A run that merely
// began at the right time may be somebody else's, and is never taken for this one.
func (e *Executor) seeRunbook(ctx context.Context, o steps.Order) (steps.Sight, error) {
	if id := o.Receipt["run"]; id != "" {
		r, err := e.run(ctx, id)
		if err != nil {
			return steps.Sight{}, err
		}
		return e.ended(r), nil
	}
	since := o.StartedAt.Add(-clockSkew).UTC().Format(time.RFC3339)
	all, err := e.runs(ctx, url.Values{"event": {"workflow_dispatch"}, "created": {">=" + since}, "per_page": {"50"}})
	if err != nil {
		return steps.Sight{}, err
	}
	for _, r := range all {
		if strings.Contains(r.Title, o.Key) {
			return e.ended(r), nil
		}
	}
	return e.tell.Saw(steps.Settling, "no run is named by the key, so it cannot be told which one is this; give the workflow a run-name "+
		"that holds ${{ inputs.key }}"), nil
}
