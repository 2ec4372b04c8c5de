package argocd_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/pkg/executor/argocd"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const token = "argocd-token-of-opsguard"

type object = map[string]any

// argo plays the API server for one application, as Argo CD's server/application
// (application.go and application.proto, August 2026) answers.
type argo struct {
	mu       sync.Mutex
	asked    []object // bodies of rollbacks and syncs that were taken
	path     string   // of the last one
	query    string   // of the last read
	sync     string
	health   string
	multi    bool
	syncOpts object // spec.syncPolicy
	history  []object
	pending  object // operation
	state    object // status.operationState
	deleting bool
}

func (a *argo) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sync, a.health, a.pending, a.state, a.syncOpts, a.deleting = "OutOfSync", "Degraded", nil, nil, nil, false
	a.history = nil
	for i, revision := range []string{"aaa111", "bbb222", "ccc333", "ccc333"} { // the last was synced twice
		a.history = append(a.history, entry(7+i, revision))
	}
}

func entry(id int, revision string) object {
	return object{"id": id, "revision": revision, "deployedAt": "2026-11-24T09:00:00Z",
		"source": object{"repoURL": "https://git.example.com/shop.git", "path": "deploy", "targetRevision": "main"}}
}

// finish ends what is pending as Argo CD's controller does.
func (a *argo) finish(phase, health string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pending == nil {
		return
	}
	op := a.pending
	a.pending, a.health = nil, health
	a.state = object{"phase": phase, "operation": op, "startedAt": "2026-11-24T10:00:01Z", "message": "Argo CD's own words"}
	if phase == "Succeeded" {
		revision, _ := op["sync"].(object)["revision"].(string)
		last, _ := a.history[len(a.history)-1]["id"].(int)
		a.history = append(a.history, entry(last+1, revision))
		if op["info"] != nil {
			a.sync = "Synced"
		}
	}
}

func (a *argo) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

func (a *argo) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func refuse(w http.ResponseWriter, status, code int) { // grpc-gateway's error
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"error": "Argo CD's own words", "code": code, "message": "Argo CD's own words"})
}

func (a *argo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+token {
		refuse(w, http.StatusUnauthorized, 16)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /api/v1/applications/shop":
		a.query = r.URL.RawQuery
	case "POST /api/v1/applications/shop/rollback", "POST /api/v1/applications/shop/sync":
		var body object
		_ = json.NewDecoder(r.Body).Decode(&body)
		if a.pending != nil || !a.start(r.URL.Path, body) {
			refuse(w, http.StatusBadRequest, 9)
			return
		}
	default:
		refuse(w, http.StatusForbidden, 7)
		return
	}
	_ = json.NewEncoder(w).Encode(a.present())
}

// start is Server.Rollback and Server.Sync.
func (a *argo) start(path string, body object) bool {
	if path == "/api/v1/applications/shop/sync" {
		a.pending = object{"sync": object{"revision": body["revision"], "revisions": body["revisions"]}, "info": body["infos"]}
	} else {
		found := false
		for _, d := range a.history {
			if float64(d["id"].(int)) == body["id"] {
				a.pending, found = object{"sync": object{"revision": d["revision"]}}, true
			}
		}
		if !found || a.syncOpts != nil {
			return false
		}
	}
	a.state = nil
	a.asked, a.path = append(a.asked, body), path
	return true
}

func (a *argo) present() object {
	status := object{"history": a.history, "health": object{"status": a.health}, "sync": object{"status": a.sync, "revision": "ddd444"}}
	if a.multi {
		status["sync"] = object{"status": a.sync, "revisions": []string{"ddd444", "1.2.3"}}
	}
	if a.state != nil {
		status["operationState"] = a.state
	}
	app := object{"metadata": object{"name": "shop", "namespace": "argocd"}, "spec": object{"project": "shop"}, "status": status}
	if a.syncOpts != nil {
		app["spec"] = object{"syncPolicy": a.syncOpts}
	}
	if a.pending != nil {
		app["operation"] = a.pending
	}
	if a.deleting {
		app["metadata"] = object{"name": "shop", "deletionTimestamp": "2026-11-24T10:00:00Z"}
	}
	return app
}

func (a *argo) vendor() stepstest.Vendor {
	return stepstest.Vendor{Handler: a, Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{
			{Name: "server", Value: integration.Value{Text: url}},
			{Name: "application", Value: integration.Value{Text: "shop"}},
			integration.SecretSetting("token", "ARGOCD_TOKEN"),
		}, stepstest.Secrets{"ARGOCD_TOKEN": token}
	}}
}

func proposal(fix string) incident.Proposal { return incident.Proposal{FixID: fix} }

func (a *argo) contract(t *testing.T, fix string, drift func(t *testing.T)) {
	stepstest.ExecutorContract(t, argocd.Integration(), stepstest.Fix{
		Vendor: a.vendor(), Proposal: proposal(fix), Effects: a.count, Drift: drift,
		Reset:  func(*testing.T) { a.reset() },
		Settle: func(*testing.T) { a.finish("Succeeded", "Healthy") },
	})
}

var _ steps.Executor = (*argocd.Executor)(nil)
