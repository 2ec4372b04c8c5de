package inventory_test

import (
	"fmt"
	"testing"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
)

type clusterSettings struct {
	Name string `setting:"name" help:"which"`
	Max  int    `setting:"max" default:"3" help:"how many at most"`
}

// One fix at a time: what is only allowed differently is the same target.
func TestTwoServicesThatNameTheSameThingShareOneTarget(t *testing.T) {
	d := integration.New("cluster", "is one", func(integration.Env, clusterSettings) (int, error) { return 0, nil }).NamedBy("name").
		Can(integration.Ability{Fix: "scale-out", Does: "adds", Verifies: "it is there", Rights: "none"})
	key := func(target string) string {
		inv, err := inventory.Load([]byte(fmt.Sprintf("services:\n  shop:\n    owner: web\n    target: {type: cluster, %s}\n", target)),
			integration.Types{integration.Executors: {d.Type}})
		if err != nil {
			t.Fatal(err)
		}
		svc, _ := inv.Lookup("shop")
		return svc.Target.Key()
	}
	if a, b := key("name: blue"), key("name: blue, max: 5"); a != b {
		t.Errorf("%s and %s", a, b)
	}
	if a, b := key("name: blue"), key("name: green"); a == b {
		t.Errorf("both are %s", a)
	}
}
