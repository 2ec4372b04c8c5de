package inventory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
)

type runnerSettings struct {
	Dir   string              `setting:"dir" help:"where"`
	Run   map[string][]string `setting:"run" help:"what"`
	Hosts []string            `setting:"hosts" default:"" help:"which"`
	Token integration.Secret  `setting:"token" default:"" help:"by what"`
}

func runner() integration.Types {
	d := integration.New("runner", "runs", func(integration.Env, runnerSettings) (int, error) { return 0, nil }).
		Can(integration.Ability{Fix: "restart-service", Does: "runs it", Verifies: "its end", Rights: "none"})
	return integration.Types{integration.Executors: {d.Type}}
}

func TestATargetsAttributesMayBeListsAndMappings(t *testing.T) {
	inv, err := inventory.Load([]byte(`services:
  shop:
    owner: web
    target: {type: runner, dir: /srv, run: {restart-service: [systemctl, restart, "shop"], scale-out: [x]}, hosts: [a, b], token: {secret: T}}
    fixes: [restart-service]
`), runner())
	if err != nil {
		t.Fatal(err)
	}
	svc, _ := inv.Lookup("shop")
	got := map[string]integration.Value{}
	for name, text := range svc.Target.Attributes {
		got[name] = integration.Unpack(text)
	}
	want := map[string]integration.Value{
		"dir": {Text: "/srv"}, "hosts": {List: []string{"a", "b"}}, "token": {Map: map[string]string{"secret": "T"}},
		"run": {Lists: map[string][]string{"restart-service": {"systemctl", "restart", "shop"}, "scale-out": {"x"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFixThatTheTargetsExecutorCannotDoIsRefused(t *testing.T) {
	_, err := inventory.Load([]byte(`services:
  shop:
    owner: web
    target: {type: runner, dir: /srv, run: {restart-service: [x]}}
    fixes: [restart-service, fail-over]
`), runner())
	if err == nil || !strings.Contains(err.Error(), `services.yaml:5: services.shop.fixes[1]: "fail-over" cannot be done on a target of type runner; it can do: restart-service`) {
		t.Errorf("%v", err)
	}
}
