package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/opsguard/opsguard/pkg/steps"
)

// healthCheck runs `opsguard health-check` on a data directory.
func healthCheck(t *testing.T, dir, services string) steps.HealthReport {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "health-check", "--json", "--data-dir", dir, "--services", services)
	cmd.Env = cleanEnv()
	out, _ := cmd.Output() // a status that is not 0 says what the report does
	var report steps.HealthReport
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("health-check printed %q: %v", out, err)
	}
	if want := map[bool]int{true: 0, false: 1}[report.Well()]; cmd.ProcessState.ExitCode() != want {
		t.Errorf("health-check exited with %d, want %d: %+v", cmd.ProcessState.ExitCode(), want, report)
	}
	return report
}

// sickService returns a services.yaml with one service whose health URL answers
// as sick says.
func sickService(t *testing.T) (services string, sick *atomic.Bool) {
	sick = &atomic.Bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	services = filepath.Join(t.TempDir(), "services.yaml")
	text := "services:\n  shop:\n    owner: web\n    target: {type: simulated}\n    fixes: [restart-service]\n    health: {url: \"" + server.URL + "/healthz\"}\n"
	if err := os.WriteFile(services, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return services, sick
}

func TestTheHealthCheckOpensOneIncidentAndReportsRecovery(t *testing.T) {
	services, sick := sickService(t)
	dir := t.TempDir()
	p := serve(t, dir, freeAddr(t), "OPSGUARD_SERVICES="+services)
	c := newClient(t, p.target())
	if report := healthCheck(t, dir, services); report.Checked != 1 || len(report.Unhealthy) != 0 {
		t.Fatalf("while it is well: %+v", report)
	}
	sick.Store(true)
	first := healthCheck(t, dir, services)
	if len(first.Unhealthy) != 1 || first.Unhealthy[0].Check != "status" || first.Unhealthy[0].Duplicate {
		t.Fatalf("the first time it is sick: %+v", first)
	}
	id := first.Unhealthy[0].IncidentID
	again := healthCheck(t, dir, services)
	if len(again.Unhealthy) != 1 || again.Unhealthy[0].IncidentID != id || !again.Unhealthy[0].Duplicate {
		t.Fatalf("the second time: %+v", again)
	}
	c.until(id, "WAITING_FOR_APPROVAL")
	if got := c.incident(id); got.get("occurrences") != 2.0 {
		t.Errorf("occurrences: %s", got)
	}
	sick.Store(false)
	healthCheck(t, dir, services)
	end := c.until(id, "RESOLVED")
	if end.text("decision.by") != "source:health-check" || end.text("decision.decision") != "resolve" {
		t.Errorf("recovered: %s", end)
	}
}

func TestTheHealthCheckRunsBySchedule(t *testing.T) {
	services, sick := sickService(t)
	sick.Store(true)
	p := serve(t, t.TempDir(), freeAddr(t), "OPSGUARD_SERVICES="+services, "OPSGUARD_HEALTH_INTERVAL=1s")
	c := newClient(t, p.target())
	c.eventually("two rounds to find it sick", func() bool {
		list, _ := c.call("GET", "/incidents?service=shop", "", nil).get("incidents").([]any)
		return len(list) == 1 && list[0].(map[string]any)["occurrences"] != 1.0
	}, p.out.String)
}

func TestTheHealthCheckWorksWhileNothingServes(t *testing.T) {
	services, sick := sickService(t)
	sick.Store(true)
	dir := t.TempDir()
	report := healthCheck(t, dir, services)
	if len(report.Unhealthy) != 1 {
		t.Fatalf("%+v", report)
	}
	c := newClient(t, serve(t, dir, freeAddr(t), "OPSGUARD_SERVICES="+services).target())
	c.until(report.Unhealthy[0].IncidentID, "WAITING_FOR_APPROVAL")
}
