package github_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/pkg/executor/github"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "github_pat_of_opsguard"

type object = map[string]any

// hub plays api.github.com for one repository, with the fields of GitHub's REST API
// 2022-11-28 (rest-api-description, "List pull requests", "Get a workflow run", "Create a
// workflow dispatch event"; return_run_details by the changelog of 19 February 2026) and
// of its GraphQL mutation revertPullRequest (changelog of 27 January 2023).
type hub struct {
	mu         sync.Mutex
	pulls      []object // all of them, the one that changed last first
	runs       []object // the latest first
	blob       string
	state      string // of the workflow
	enterprise bool   // an Enterprise Server that does not know return_run_details
	graphql    object // what the mutation answers; nil: it opens the pull request
	named      bool   // the runbook's run-name holds the key
	asked      []object
	paths      []string
}

func (h *hub) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pulls = []object{
		request(43, "closed", "bump", nil), // closed without being merged
		request(41, "closed", "cart", "2026-11-22T09:00:00Z"),
		request(42, "closed", "checkout", "2026-11-23T09:00:00Z"),
	}
	h.runs = []object{workflowRun(9001, 1, "completed", "failure")}
	h.blob, h.state, h.enterprise, h.graphql, h.named = "b10b", "active", false, nil, false
}

func request(number int, state, branch string, mergedAt any) object {
	return object{"number": number, "node_id": "PR_" + branch, "state": state, "title": "Change " + branch, "body": nil, "merged_at": mergedAt,
		"merge_commit_sha": "c0ffee" + branch, "head": object{"ref": branch, "sha": "5ha" + branch}}
}

func workflowRun(id, attempt int, status string, conclusion any) object {
	return object{"id": id, "run_attempt": attempt, "status": status, "conclusion": conclusion, "head_sha": "c0ffee",
		"display_title": "Deploy",
		"created_at":    "2026-11-24T09:00:00Z", "event": "push", "head_branch": "main"}
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.asked)
}

func (h *hub) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// finish ends the latest run.
func (h *hub) finish(conclusion string) {
	h.set(func() { h.runs[0]["status"], h.runs[0]["conclusion"] = "completed", conclusion })
}

func answer(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-GitHub-Api-Version") != "2022-11-28" {
		answer(w, 401, object{"message": "Bad credentials"})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/repos/acme/shop")
	h.paths = append(h.paths, r.Method+" "+path+"?"+r.URL.RawQuery)
	if r.Method == http.MethodGet {
		h.read(w, r, path)
		return
	}
	var body object
	_ = json.NewDecoder(r.Body).Decode(&body)
	h.change(w, r.Method+" "+path, body)
}

func (h *hub) read(w http.ResponseWriter, r *http.Request, path string) {
	switch path {
	case "/pulls":
		var found []object
		for _, p := range h.pulls {
			if state := r.URL.Query().Get("state"); state == "all" || state == p["state"] {
				found = append(found, p)
			}
		}
		answer(w, 200, found)
	case "/pulls/44":
		answer(w, 200, h.pulls[0])
	case "/actions/workflows/deploy.yml":
		answer(w, 200, object{"id": 7, "state": h.state, "path": ".github/workflows/deploy.yml"})
	case "/contents/.github/workflows/deploy.yml":
		answer(w, 200, object{"type": "file", "sha": h.blob})
	case "/actions/workflows/deploy.yml/runs":
		var found []object
		for _, one := range h.runs {
			if event := r.URL.Query().Get("event"); event == "" || event == one["event"] {
				found = append(found, one)
			}
		}
		answer(w, 200, object{"total_count": len(found), "workflow_runs": found})
	case "/actions/runs/9001", "/actions/runs/9002":
		answer(w, 200, h.runs[0])
	default:
		answer(w, 404, object{"message": "Not Found"})
	}
}

func (h *hub) change(w http.ResponseWriter, call string, body object) {
	switch call {
	case "POST /graphql":
		if h.graphql != nil {
			answer(w, 200, h.graphql)
			return
		}
		input := body["variables"].(object)["input"].(object)
		opened := request(44, "open", "revert-42-checkout", nil)
		opened["body"] = input["body"]
		h.pulls = append([]object{opened}, h.pulls...)
		answer(w, 200, object{"data": object{"revertPullRequest": object{"revertPullRequest": object{"number": 44,
			"headRefOid": "5harevert-42-checkout"}}}})
	case "PATCH /pulls/44":
		h.pulls[0]["state"] = body["state"]
		answer(w, 200, h.pulls[0])
	case "POST /actions/runs/9001/rerun-failed-jobs":
		h.runs[0] = workflowRun(9001, 2, "queued", nil)
		answer(w, 201, object{})
	case "POST /actions/workflows/deploy.yml/dispatches":
		if _, there := body["return_run_details"]; there && h.enterprise {
			answer(w, 422, object{"message": "Invalid request.\n\n\"return_run_details\" is not a permitted key."})
			return
		}
		started := workflowRun(9002, 1, "queued", nil)
		started["event"] = "workflow_dispatch"
		if h.named {
			started["display_title"], _ = body["inputs"].(object)["key"].(string)
		}
		h.runs = append([]object{started}, h.runs...)
		if h.enterprise {
			answer(w, 204, nil)
		} else {
			answer(w, 200, object{"workflow_run_id": 9002, "run_url": "https://api.github.com/x", "html_url": "https://github.com/x"})
		}
	default:
		answer(w, 404, object{"message": "Not Found"})
		return
	}
	h.asked = append(h.asked, body)
}

func (h *hub) vendor() stepstest.Vendor {
	return stepstest.Vendor{Handler: h, Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
		text := func(name, value string) integration.Setting {
			return integration.Setting{Name: name, Value: integration.Value{Text: value}}
		}
		return []integration.Setting{text("repo", "acme/shop"), text("workflow", "deploy.yml"), text("api", url),
			integration.SecretSetting("token", "GITHUB_TOKEN")}, stepstest.Secrets{"GITHUB_TOKEN": token}
	}}
}

func (h *hub) contract(t *testing.T, fix string, drift func(), settle func(*testing.T)) {
	stepstest.ExecutorContract(t, github.Integration(), stepstest.Fix{
		Vendor: h.vendor(), Proposal: incident.Proposal{FixID: fix}, Effects: h.count, Settle: settle,
		Reset: func(*testing.T) { h.reset() },
		Drift: func(*testing.T) { h.set(drift) },
	})
}

func TestARevertKeepsTheContractOfExecutors(t *testing.T) {
	h := &hub{}
	h.contract(t, "revert-change", func() {
		h.pulls = append(h.pulls, request(45, "closed", "later", "2026-11-24T09:30:00Z"))
	}, nil)
}

func TestARerunKeepsTheContractOfExecutors(t *testing.T) {
	h := &hub{}
	h.contract(t, "rerun-workflow", func() { h.runs[0]["run_attempt"] = 2 }, func(*testing.T) { h.finish("success") })
}

func TestARunbookKeepsTheContractOfExecutors(t *testing.T) {
	h := &hub{}
	h.contract(t, "run-runbook", func() { h.blob = "0ther" }, func(*testing.T) { h.finish("success") })
}

var _ steps.Executor = (*github.Executor)(nil)
