package aws

import (
	"fmt"

	"github.com/opsguard/opsguard/infra"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// Inventory reads the services.yaml that was built in.
func Inventory() (*inventory.Inventory, error) {
	inv, err := inventory.Load(infra.Services)
	if err != nil {
		return nil, fmt.Errorf("infra/services.yaml: %w", err)
	}
	return inv, nil
}
