package github

import (
	"cmp"
	"path"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// workflowRun reads a run of a workflow that ended. The next run of the same workflow on
// the same branch that succeeds is its recovery.
func (s *Source) workflowRun(doc intake.Value) (report, error) {
	action, run := doc.At("action").Text(), doc.At("workflow_run")
	workflow, branch := run.At("workflow_id").Written(), run.At("head_branch").Written()
	if workflow == "" {
		run.At("workflow_id").Refuse("is missing; a run is told apart by its workflow and branch")
	}
	if err := doc.Err(); err != nil || action != "completed" || !s.watches(doc.Apart(), run.Apart()) {
		return report{}, err
	}
	run = run.Apart()
	conclusion := run.At("conclusion").Written()
	name := cmp.Or(doc.Apart().At("workflow", "name").Written(), run.First("name", "path"), workflow)
	r := report{
		is:   states(conclusion, []string{"failure", "timed_out", "startup_failure"}, []string{"success"}),
		kind: "workflow_run", identity: []string{workflow, branch}, severity: incident.High, at: run.At("updated_at").Time(),
		headline: "workflow " + name + " on " + branch + ": " + conclusion, links: []string{run.At("html_url").Written()},
		labels: map[string]string{
			"workflow": name, "workflow_path": run.At("path").Written(), "branch": branch, "trigger": run.At("event").Written(),
		},
	}
	commit := run.At("head_commit")
	e := &r.evidence
	e.Add("workflow", strings.TrimSpace(name+" "+run.At("path").Written()))
	e.Add("branch", branch)
	e.Add("conclusion", conclusion)
	e.Add("run", "#"+run.At("run_number").Written()+", attempt "+cmp.Or(run.At("run_attempt").Written(), "1"))
	e.Add("title", run.At("display_title").Written())
	e.Add("commit", strings.TrimSpace(short(run.At("head_sha").Written())+" "+firstLine(commit.At("message").Written())))
	e.Add("author", commit.At("author", "name").Written())
	e.Add("triggered by", strings.TrimSpace(run.At("event").Written()+" "+run.At("triggering_actor", "login").Written()))
	e.Add("started at", run.At("run_started_at").Written())
	e.AddTime("ended at", r.at)
	return r, nil
}

// watches reports whether runs on this branch count. A run for a fork never does: its
// branch belongs to somebody else, whatever it is called. GitHub does not name the
// repository of a fork that is gone.
func (s *Source) watches(doc, run intake.Value) bool {
	branch, own := run.At("head_branch").Written(), doc.At("repository", "id").Written()
	if run.At("head_repository", "id").Written() != own {
		return false
	}
	if len(s.settings.Branches) == 0 {
		standard := doc.At("repository", "default_branch").Written()
		return standard == "" || branch == standard
	}
	for _, pattern := range s.settings.Branches {
		if fits, _ := path.Match(pattern, branch); fits || pattern == "*" {
			return true
		}
	}
	return false
}

// deploymentStatus reads how a deployment went. The next one to the same environment that
// succeeds is its recovery.
func deploymentStatus(doc intake.Value) (report, error) {
	it, deployment := doc.At("deployment_status"), doc.At("deployment")
	state, environment := it.At("state").Text(), cmp.Or(it.At("environment").Written(), deployment.At("environment").Written())
	if environment == "" {
		it.At("environment").Refuse("is missing; a deployment is told apart by its environment")
	}
	if err := doc.Err(); err != nil {
		return report{}, err
	}
	it, deployment = it.Apart(), deployment.Apart()
	task := deployment.At("task").Written()
	r := report{
		is:   states(state, []string{"failure", "error"}, []string{"success"}),
		kind: "deployment_status", identity: []string{environment}, severity: deploymentSeverity(deployment), at: it.At("updated_at").Time(),
		headline: "deployment to " + environment + ": " + state,
		links: []string{it.At("log_url").Written(), it.At("target_url").Written(), doc.Apart().At("workflow_run", "html_url").Written(),
			doc.Apart().At("check_run", "html_url").Written()},
		labels: map[string]string{"environment": environment, "branch": deployment.At("ref").Written(), "task": task},
	}
	if task != "" && task != "deploy" {
		r.identity = append(r.identity, task)
	}
	e := &r.evidence
	e.Add("environment", environment)
	e.Add("state", state)
	e.Add("description", it.At("description").Written())
	e.Add("task", task)
	e.Add("ref", deployment.At("ref").Written())
	e.Add("commit", short(deployment.At("sha").Written()))
	e.Add("what", deployment.At("description").Written())
	e.Add("workflow", doc.Apart().At("workflow_run", "name").Written())
	e.Add("by", it.At("creator", "login").Written())
	e.Add("address", it.At("environment_url").Written())
	e.Add("deployment", deployment.At("id").Written())
	e.AddTime("at", r.at)
	return r, nil
}

// deploymentSeverity goes by what GitHub says of the environment: whether people use it,
// and whether it is made for a while only, such as for a pull request.
func deploymentSeverity(deployment intake.Value) incident.Severity {
	switch {
	case deployment.At("transient_environment").Written() == "true":
		return incident.Low
	case deployment.At("production_environment").Written() == "false" && deployment.At("environment").Written() != "production":
		return incident.Medium
	}
	return incident.High
}
