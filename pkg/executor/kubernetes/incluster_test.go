package kubernetes

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// TestAPodUsesItsServiceAccountAndTheTokenThatWasRenewed: the kubelet replaces the file.
func TestAPodUsesItsServiceAccountAndTheTokenThatWasRenewed(t *testing.T) {
	var seen []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Deployment"}) // who asked is gone
	}))
	defer server.Close()
	folder := t.TempDir()
	put := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	put("token", []byte("first\n"))
	env := stepstest.Env(nil)
	way, err := inCluster(env, server.URL, folder)
	if err != nil {
		t.Fatal(err)
	}
	env.HTTP = way.http
	e := &Executor{env: env, kind: kind{deployment, "deployments"}, name: "api", settings: Settings{Namespace: "shop"}, api: api{env, way}}
	for _, token := range []string{"second", "third"} {
		put("token", []byte(token))
		_, err := e.Look(t.Context(), incident.Proposal{FixID: restartService})
		if incident.KindOf(err) != incident.Invalid { // it is no Deployment
			t.Errorf("%v", err)
		}
	}
	if len(seen) != 2 || seen[0] != "Bearer second" || seen[1] != "Bearer third" {
		t.Errorf("the tokens were %q", seen)
	}
}
