package local

import (
	"fmt"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestFlowsKeepTheirContract(t *testing.T) { stepstest.FlowsContract(t, newFlows()) }

func TestTheFlowsOfManyServicesAreBounded(t *testing.T) {
	f := newFlows()
	for n := range 3 * maxFlows {
		if err := f.Update(t.Context(), "default", fmt.Sprint(n), func(flow *incident.Flow) { flow.Version++ }); err != nil {
			t.Fatal(err)
		}
	}
	last, err := f.Flow(t.Context(), "default", fmt.Sprint(3*maxFlows-1))
	if len(f.all) != maxFlows || err != nil || last.Version != 1 {
		t.Errorf("%d flows are kept, the last one at %d, %v; want %d and 1", len(f.all), last.Version, err, maxFlows)
	}
}
