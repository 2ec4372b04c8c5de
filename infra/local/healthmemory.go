package local

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/opsguard/opsguard/infra/local/dbfile"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// healthMemory keeps what the health check has to know from one round to the next, in a
// file of the data directory. It is replaced whole, so a crash leaves the old one or the new.
type healthMemory struct {
	path string
	mu   sync.Mutex
}

func newHealthMemory(dir string) *healthMemory {
	return &healthMemory{path: filepath.Join(dir, "health.json")}
}

// Health implements steps.HealthMemory.
func (m *healthMemory) Health(_ context.Context, tenant, service string) (steps.HealthState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, err := m.read()
	return all[tenant][service], err
}

// KeepHealth implements steps.HealthMemory.
func (m *healthMemory) KeepHealth(_ context.Context, tenant, service string, s steps.HealthState) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, err := m.read()
	if err != nil {
		return err
	}
	if all[tenant] == nil {
		all[tenant] = map[string]steps.HealthState{}
	}
	all[tenant][service] = s
	data, err := json.Marshal(all)
	if err == nil {
		err = dbfile.WriteFile(m.path, data)
	}
	if err != nil {
		return incident.Unavail("what the health check knows cannot be written", err)
	}
	return nil
}

func (m *healthMemory) read() (map[string]map[string]steps.HealthState, error) {
	all := map[string]map[string]steps.HealthState{}
	data, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		return all, incident.Unavail("what the health check knows ("+m.path+") cannot be read; take the file away if it is damaged", err)
	}
	return all, nil
}
