package simulated_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/executor/simulated"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestItIsAnExecutor(t *testing.T) {
	stepstest.ExecutorContract(t, simulated.Integration(), stepstest.Vendor{}, plan(t, "restart-service", nil), nil)
}
