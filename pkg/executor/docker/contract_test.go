package docker_test

import (
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/docker"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestItIsAnExecutorForEachOfItsFixes(t *testing.T) {
	for _, c := range []struct {
		p       incident.Proposal
		effects func(*engine) int
	}{
		{incident.Proposal{FixID: "restart-service", Parameters: map[string]string{}}, func(e *engine) int { return e.restarts }},
		{incident.Proposal{FixID: "rollback-deployment", Parameters: map[string]string{}}, func(e *engine) int { return e.starts }},
		{incident.Proposal{FixID: "scale-out", Parameters: map[string]string{"instances": "1"}},
			func(e *engine) int { return e.starts + e.removes }},
	} {
		t.Run(c.p.FixID, func(t *testing.T) {
			e := newEngine()
			locked := func(do func()) {
				e.mu.Lock()
				defer e.mu.Unlock()
				do()
			}
			stepstest.ExecutorContract(t, docker.Integration(), stepstest.Fix{
				Vendor: stepstest.Vendor{Handler: e,
					Entry: func(url string) ([]integration.Setting, stepstest.Secrets) {
						return []integration.Setting{setting("project", "shop"), setting("service", "web"),
							setting("maxInstances", "4"), setting("socket", socket(t, url))}, nil
					},
					World: func(env *integration.Env) {
						env.Now = func() (now time.Time) { locked(func() { now = e.now }); return now }
					}},
				Proposal: c.p,
				Reset: func(*testing.T) {
					locked(func() {
						e.containers, e.images, e.now = nil, nil, stepstest.Env(nil).Now()
						e.build("shop:1", e.now.Add(-48*time.Hour))
						e.build("shop:2", e.now.Add(-24*time.Hour))
						e.web(1, "shop:2")
					})
				},
				Effects: func() (n int) { locked(func() { n = c.effects(e) }); return n },
				Settle:  func(*testing.T) { locked(func() { e.now = e.now.Add(time.Minute) }) },
				Drift:   func(*testing.T) { locked(func() { e.containers[0].id = id(77) }) },
			})
		})
	}
}
