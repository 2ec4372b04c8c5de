package sim

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Brake implements steps.Brakes.
func (p storePort) Brake(ctx context.Context, tenant string) (b incident.Brake, err error) {
	err = p.t.call(call{port: "brake"}, func() (string, error) {
		b, err = p.s.Brake(ctx, tenant)
		return string(b.Stops()), err
	})
	return b, err
}

// UpdateBrake implements steps.Brakes.
func (p storePort) UpdateBrake(ctx context.Context, tenant string, change func(*incident.Brake)) error {
	return p.t.call(call{port: "set brake", write: true}, func() (string, error) { return "", p.s.UpdateBrake(ctx, tenant, change) })
}

// Fixes implements steps.FixHistories.
func (p storePort) Fixes(ctx context.Context, tenant, service string) (h incident.FixHistory, err error) {
	err = p.t.call(call{port: "fixes"}, func() (string, error) {
		h, err = p.s.Fixes(ctx, tenant, service)
		return service, err
	})
	return h, err
}

// UpdateFixes implements steps.FixHistories.
func (p storePort) UpdateFixes(ctx context.Context, tenant, service string, change func(*incident.FixHistory)) error {
	return p.t.call(call{port: "note fix", write: true}, func() (string, error) {
		return service, p.s.UpdateFixes(ctx, tenant, service, change)
	})
}
