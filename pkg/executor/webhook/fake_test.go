package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/pkg/executor/webhook"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

const rawKey = "twenty-four bytes or more of key"

func whsec() string { return "whsec_" + base64.StdEncoding.EncodeToString([]byte(rawKey)) }

type object = map[string]any

// receiver plays a system that keeps the document of this package, and checks signatures
// as the specification of Standard Webhooks (August 2026) says.
type receiver struct {
	mu       sync.Mutex
	state    object
	statuses map[string]string // by key
	asked    []object
	auth     string // of the last call
	paths    []string
	answer   func(w http.ResponseWriter) // to a request; nil: 202 without a body
}

func (r *receiver) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.statuses, r.answer = object{"version": "1.4.2"}, map[string]string{}, nil
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked)
}

func (r *receiver) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *receiver) finish(status string) {
	r.set(func() {
		for key := range r.statuses {
			r.statuses[key] = status
		}
	})
}

// signed is verify of the specification's reference implementations.
func signed(q *http.Request, body []byte) bool {
	id, at := q.Header.Get("webhook-id"), q.Header.Get("webhook-timestamp")
	mac := hmac.New(sha256.New, []byte(rawKey))
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return at == "1795514400" && !strings.Contains(id, ".") && hmac.Equal([]byte(want), []byte(q.Header.Get("webhook-signature")))
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(q.Body)
	r.auth, r.paths = q.Header.Get("Authorization"), append(r.paths, q.Method+" "+q.URL.String())
	if !signed(q, body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch {
	case q.Method == http.MethodPost:
		r.take(w, body)
	case q.URL.Path == "/state":
		_ = json.NewEncoder(w).Encode(object{"state": r.state})
	case strings.HasPrefix(q.URL.Path, "/status/"):
		status := r.statuses[strings.TrimPrefix(q.URL.Path, "/status/")]
		if status == "" {
			status = "running"
		}
		_ = json.NewEncoder(w).Encode(object{"status": status, "detail": "step 2 of 3"})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (r *receiver) take(w http.ResponseWriter, body []byte) {
	var request object
	_ = json.Unmarshal(body, &request)
	key, _ := request["data"].(object)["key"].(string)
	r.statuses[key] = "running"
	r.asked = append(r.asked, request)
	if r.answer != nil {
		r.answer(w)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func text(name, value string) integration.Setting {
	return integration.Setting{Name: name, Value: integration.Value{Text: value}}
}

// vendor has a status and a state address, and can undo.
func (r *receiver) vendor() stepstest.Vendor {
	return stepstest.Vendor{Handler: r, Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{text("url", url+"/hook"), text("statusUrl", url+"/status/{key}"), text("stateUrl", url+"/state"),
			text("undo", "true"), integration.SecretSetting("secret", "HOOK_SECRET"), integration.SecretSetting("authorization", "HOOK_AUTH"),
		}, stepstest.Secrets{"HOOK_SECRET": whsec(), "HOOK_AUTH": "Bearer of-the-receiver"}
	}}
}

// plain only posts.
func (r *receiver) plain() stepstest.Vendor {
	return stepstest.Vendor{Handler: r, Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
		return []integration.Setting{text("url", url+"/hook"), integration.SecretSetting("secret", "HOOK_SECRET")},
			stepstest.Secrets{"HOOK_SECRET": whsec()}
	}}
}

func proposal(fix string) incident.Proposal {
	if fix == "scale-out" {
		return incident.Proposal{FixID: fix, Parameters: map[string]string{"instances": "2"}}
	}
	return incident.Proposal{FixID: fix}
}

func TestEachFixKeepsTheContractOfExecutors(t *testing.T) {
	for _, ability := range webhook.Integration().Abilities {
		t.Run(ability.Fix, func(t *testing.T) {
			r := &receiver{}
			stepstest.ExecutorContract(t, webhook.Integration(), stepstest.Fix{
				Vendor: r.vendor(), Proposal: proposal(ability.Fix), Effects: r.count,
				Reset:  func(*testing.T) { r.reset() },
				Settle: func(*testing.T) { r.finish("succeeded") },
				Drift:  func(*testing.T) { r.set(func() { r.state = object{"version": "1.4.3"} }) },
			})
		})
	}
}

var _ steps.Executor = (*webhook.Executor)(nil)
