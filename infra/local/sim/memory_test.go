package sim

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestMemoryKeepsTheStoreContract(t *testing.T) {
	stepstest.StoreContract(t, func(*testing.T) stepstest.Store { return NewMemory() })
}
