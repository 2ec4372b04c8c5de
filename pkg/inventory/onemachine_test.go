package inventory_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
)

func TestATargetOnOneMachineIsRefusedForAWSByTheNameOfEachService(t *testing.T) {
	open := func(integration.Env, map[string]string) (int, error) { return 0, nil }
	types := integration.Types{integration.Executors: {
		integration.New("here", "is on this machine", open).OnOneMachine().Type, integration.New("anywhere", "is anywhere", open).Type,
	}}
	inv, err := inventory.Load([]byte("services:\n  api: {owner: a, target: {type: anywhere}}\n  shop: {owner: a, target: {type: here}}\n"+
		"  shop-db: {owner: a, target: {type: here}}\n"), types)
	if err != nil {
		t.Fatal(err)
	}
	err = inv.FitsAWS(types)
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"services.shop.target: a target of type here is the machine", "services.shop-db.target: ", "opsguard serve"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if err := inv.FitsAWS(nil); err != nil {
		t.Errorf("a function that opens no target refuses them: %v", err)
	}
}
