package simulated_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/ticket/simulated"
)

func TestItIsATracker(t *testing.T) {
	stepstest.TrackerContract(t, simulated.Integration(), stepstest.Vendor{}, nil)
}
