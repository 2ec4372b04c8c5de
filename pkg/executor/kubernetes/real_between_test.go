package kubernetes_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// TestTheAPIServerRefusesAChangeThatCameInBetween: somebody is faster after we have looked
// and before our patch arrives.
func TestTheAPIServerRefusesAChangeThatCameInBetween(t *testing.T) {
	version := func(s *realShop, _ string) { s.image("shop/api:3"); s.rolledOut() }
	for name, c := range map[string]struct {
		fix     string
		between func(s *realShop, node string)
		want    incident.Outcome
	}{
		"another version, restart":  {"restart-service", version, incident.Failed},
		"another version, rollback": {rollback, version, incident.Failed},
		"other replicas": {"scale-out", func(s *realShop, _ string) {
			s.patchApps("deployments", object{"spec": object{"replicas": 4}})
		}, incident.Failed},
		"the node is cordoned": {"cordon-node", func(s *realShop, node string) {
			s.must(s.Patch(s.ctx(), "/api/v1/nodes/"+node, object{"spec": object{"unschedulable": true}}))
		}, incident.Failed},
		"only a label": {rollback, func(s *realShop, _ string) {
			s.patchApps("deployments", object{"metadata": object{"labels": object{"touched": "yes"}}})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := ready(t, "shop/api:1", "shop/api:2")
			proxy, _ := s.proxy(t)
			var node string
			refused, first := 0, true
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch && first {
					first = false
					c.between(s, node)
				}
				seen := httptest.NewRecorder()
				proxy.ServeHTTP(seen, r)
				if seen.Code == http.StatusConflict {
					refused++
				}
				w.WriteHeader(seen.Code)
				_, _ = w.Write(seen.Body.Bytes()) // who asked is gone
			}))
			defer server.Close()
			e := stepstest.Open(t, s.env(), integration.Executors, kubernetes.Integration(), target(server.URL, s.ns)...).It
			o := s.order(e, c.fix)
			if node = o.Plan.Present["node"]; node != "" {
				t.Cleanup(func() {
					s.must(s.Patch(s.ctx(), "/api/v1/nodes/"+node, object{"spec": object{"unschedulable": false}}))
				})
			}
			acted := e.Act(s.ctx(), o)
			if acted.Outcome != c.want || refused != 1 {
				t.Errorf("the outcome is %q, want %q; refused %d times: %+v", acted.Outcome, c.want, refused, acted.Steps)
			}
			if c.fix == rollback && c.want == "" {
				runs(t, s, "shop/api:1")
			}
		})
	}
}
