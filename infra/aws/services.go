package aws

import (
	"fmt"

	"github.com/opsguard/opsguard/infra"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// Inventory reads the services.yaml that was built in and holds it to the
// integrations that the function opens, and to what can be used on AWS. `make build` has
// held it to all of them.
func Inventory(types integration.Types) (*inventory.Inventory, error) {
	inv, err := inventory.Load(infra.Services, types)
	if err != nil {
		return nil, fmt.Errorf("infra/services.yaml: %w", err)
	}
	if err := inv.FitsAWS(types); err != nil {
		return nil, fmt.Errorf("infra/services.yaml: %w", err)
	}
	return inv, nil
}
