package steps_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// After a crash between act and record the platform is seen to be as wanted. That alone
// is no fix where the service has a health check: verify-fix asks it.
func TestARerunDoesNotTakeThePlatformsWordForTheServicesHealth(t *testing.T) {
	w := newWorld(t)
	w.services(health)
	bad := map[string][]steps.Finding{"real": {{Check: "status", Healthy: false, Detail: "it answers 500"}}}
	w.prober = &prober{findings: bad}
	ref := w.lost("real")
	w.executor.verified = true
	if p, err := w.act().Handle(t.Context(), ref); err != nil || p.Settled || len(w.executor.runs) != 1 {
		t.Fatalf("the rerun: %+v %v, %d runs", p, err, len(w.executor.runs))
	}
	if p := w.looked(ref); p.Settled {
		t.Errorf("while the service is not well: %+v", p)
	}
	w.prober = &prober{}
	w.executor.result = incident.Result{Outcome: incident.Fixed, Verified: true}
	if p := w.looked(ref); !p.Settled || !p.Verified || p.Outcome != incident.Fixed {
		t.Errorf("when it is: %+v", p)
	}
}
