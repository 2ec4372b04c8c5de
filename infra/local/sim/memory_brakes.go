package sim

import (
	"context"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Brake implements steps.Brakes.
func (m *Memory) Brake(_ context.Context, tenant string) (incident.Brake, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.brakes[tenant].Clone(), nil
}

// UpdateBrake implements steps.Brakes.
func (m *Memory) UpdateBrake(_ context.Context, tenant string, change func(*incident.Brake)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.brakes[tenant].Clone()
	b.Update(change)
	m.brakes[tenant] = b
	return nil
}

// Fixes implements steps.FixHistories.
func (m *Memory) Fixes(_ context.Context, tenant, service string) (incident.FixHistory, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fixes[targetKey{tenant, service}].Clone(), nil
}

// UpdateFixes implements steps.FixHistories.
func (m *Memory) UpdateFixes(_ context.Context, tenant, service string, change func(*incident.FixHistory)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.fixes[targetKey{tenant, service}].Clone()
	h.Update(change)
	m.fixes[targetKey{tenant, service}] = h
	return nil
}
