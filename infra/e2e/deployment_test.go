package e2e

import (
	"net/http"
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
	for path, key := range map[string]string{"/incidents?limit=1": target.ReadKey, "/approve-fix?incidentId=none": target.OperateKey, "/ingest-alert": target.IngestKey} {
		a := newClient(t, target).call("GET", path, "", header{"Authorization": "Bearer " + key})
		if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
			t.Fatalf("GET %s: %s; are OPSGUARD_INGEST_KEY, OPSGUARD_OPERATE_KEY and OPSGUARD_READ_KEY keys of these roles?", path, a)
		}
	}
	Suite(t, target)
	if os.Getenv(sendersVariable) != "" {
		t.Run("EverySender", func(t *testing.T) { takesEverySender(t, target, allSenders(t)) })
	}
}
