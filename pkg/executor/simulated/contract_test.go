package simulated_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor/simulated"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestItIsAnExecutor(t *testing.T) {
	for _, id := range catalog.IDs() {
		t.Run(id, func(t *testing.T) {
			p, err := catalog.Propose(catalog.IDs(), id, nil)
			if err != nil {
				t.Fatal(err)
			}
			stepstest.ExecutorContract(t, simulated.Integration(), stepstest.Fix{Proposal: incident.Proposal(p), Reset: func(*testing.T) {}})
		})
	}
}
