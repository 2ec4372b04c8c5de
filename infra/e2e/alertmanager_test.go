package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// realAlertmanager is the real program: OPSGUARD_ALERTMANAGER names another one, else it is
// built, once, at the version that tools/senders.mod pins.
func realAlertmanager(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("OPSGUARD_ALERTMANAGER"); named != "" {
		return named
	}
	if testing.Short() {
		t.Skip("building Alertmanager takes a minute")
	}
	program, err := filepath.Abs("../../.tools/senders/alertmanager")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-modfile=tools/senders.mod", "-trimpath", "-o", program, "github.com/prometheus/alertmanager/cmd/alertmanager")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building Alertmanager: %v\n%s", err, out)
	}
	return program
}

// receiverOfTheGuide is what pkg/source/alertmanager/guide.md says to paste, with this
// OpsGuard's address and this token.
func receiverOfTheGuide(t *testing.T, ingest, tokenFile string) string {
	t.Helper()
	block := ofTheGuide(t, "alertmanager", "receivers:")
	ours := strings.NewReplacer("https://YOUR-OPSGUARD/ingest/my-alertmanager", ingest, "/etc/alertmanager/opsguard-token", tokenFile)
	pasted := ours.Replace(block)
	if !strings.Contains(pasted, ingest) || !strings.Contains(pasted, tokenFile) {
		t.Fatalf("the guide says nothing to paste:\n%s", block)
	}
	return "\n" + pasted
}

const alertmanagerServices = `
sources:
  my-alertmanager: {type: alertmanager, authorization: {secret: ALERTMANAGER}}
services:
  checkout:
    owner: shop
    target: {type: simulated}
    fixes: [restart-service]
    match: [{namespace: shop, deployment: "checkout-*"}]
`

// TestARealAlertmanagerOpensAnIncidentAndResolvesIt configures one as our guide says.
func TestARealAlertmanagerOpensAnIncidentAndResolvesIt(t *testing.T) {
	program := realAlertmanager(t)
	dir, token := t.TempDir(), "am-token-0123456789"
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	addr, am := freeAddr(t), freeAddr(t)
	p := serve(t, t.TempDir(), addr, "OPSGUARD_SERVICES="+write("services.yaml", alertmanagerServices), "OPSGUARD_SECRET_ALERTMANAGER="+token)
	c := newClient(t, p.target())
	config := "route: {receiver: opsguard, group_by: [namespace], group_wait: 50ms, group_interval: 200ms, repeat_interval: 1h}" +
		receiverOfTheGuide(t, "http://"+addr+"/ingest/my-alertmanager", write("token", token))
	cmd := exec.Command(program, "--config.file="+write("alertmanager.yml", config), "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+am, "--cluster.listen-address=")
	out := startSender(t, cmd)
	c.eventually("Alertmanager to be ready", func() bool {
		resp, err := http.Get("http://" + am + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, out.String)

	begin := time.Now().Add(-time.Minute).UTC()
	fire(t, am, begin, time.Time{})
	id := c.onlyOf("checkout")
	opened := c.until(id, "WAITING_FOR_APPROVAL")
	if got := opened.text("severity"); got != "critical" {
		t.Errorf("the severity is %s, want critical: %s", got, opened)
	}
	fire(t, am, begin, time.Now().UTC())
	resolved := c.until(id, "RESOLVED")
	if got := resolved.text("decision.by"); got != "source:my-alertmanager" {
		t.Errorf("resolved by %s, want source:my-alertmanager: %s", got, resolved)
	}
}

// fire posts the alert to Alertmanager's own API, as Prometheus does; with an end in the
// past it is resolved.
func fire(t *testing.T, addr string, begin, end time.Time) {
	t.Helper()
	alert := map[string]any{
		"labels": map[string]string{
			"alertname": "CheckoutErrorsHigh", "severity": "page", "namespace": "shop", "deployment": "checkout-api",
		},
		"annotations":  map[string]string{"summary": "Checkout answers 5xx", "description": "java.lang.OutOfMemoryError: Java heap space"},
		"startsAt":     begin.Format(time.RFC3339Nano),
		"generatorURL": "https://prometheus.example.com/graph?g0.expr=rate%28http_errors_total%5B5m%5D%29+%3E+0.02",
	}
	if !end.IsZero() {
		alert["endsAt"] = end.Format(time.RFC3339Nano)
	}
	body, err := json.Marshal([]any{alert})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+addr+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager takes no alert: %s", resp.Status)
	}
}
