package inventory_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/inventory"
)

// A plan shows its actions word for word, so a secret must not get into one.
func TestASecretInWhatAPlanWouldShowIsRefusedAndNotRepeated(t *testing.T) {
	const secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
	for name, c := range map[string]struct{ entry, at string }{
		"in an argument":                 {`target: {type: runner, run: {restart-service: [curl, "-H", "Authorization: Bearer SECRET"]}}`, "target.run.restart-service[2]"},
		"in the argument after its name": {`target: {type: runner, run: {restart-service: [mysql, --password, hunter2hunter2]}}`, "target.run.restart-service"},
		"in a webhook's address":         {`target: {type: runner, url: "https://hooks.example.com/run?token=SECRET"}`, "target.url"},
		"in the health check's address":  {`target: {type: simulated}` + "\n    " + `health: {url: "https://shop.example.com/healthz?token=SECRET"}`, "health.url"},
	} {
		text := "services:\n  shop:\n    owner: web\n    " + strings.ReplaceAll(c.entry, "SECRET", secret) + "\n"
		_, err := inventory.Load([]byte(text), nil)
		if err == nil || !strings.Contains(err.Error(), "services.shop."+c.at+": holds what looks like a secret") {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the problem repeats it: %v", name, err)
		}
	}
	const fine = `services:
  shop:
    owner: web
    target: {type: runner, url: "https://hooks.example.com/run", token: {secret: HOOK_TOKEN}, run: {restart-service: [systemctl, restart, shop]}}
`
	if _, err := inventory.Load([]byte(fine), nil); err != nil {
		t.Error(err)
	}
}
