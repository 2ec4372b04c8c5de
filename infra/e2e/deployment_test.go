package e2e

import (
	"os"
	"testing"
	"time"
)

// TestDeployment runs the suite against whatever OPSGUARD_URL names: `make
// deploy-local` prints these variables' values for the emulator.
func TestDeployment(t *testing.T) {
	target := Target{
		URL: os.Getenv("OPSGUARD_URL"), IngestKey: os.Getenv("OPSGUARD_INGEST_KEY"),
		OperateKey: os.Getenv("OPSGUARD_OPERATE_KEY"), ReadKey: os.Getenv("OPSGUARD_READ_KEY"), Patience: time.Minute,
	}
	if target.URL == "" {
		t.Skip("OPSGUARD_URL names no deployment")
	}
	Suite(t, target)
}
