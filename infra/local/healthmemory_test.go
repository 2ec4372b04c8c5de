package local

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestWhatTheHealthCheckKnowsKeepsItsContract(t *testing.T) {
	dir := t.TempDir()
	stepstest.HealthMemoryContract(t, newHealthMemory(dir))
	if got, err := newHealthMemory(dir).Health(t.Context(), "kept", "web"); err != nil || len(got.Vulnerabilities) != 1 {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
}
