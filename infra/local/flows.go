package local

import (
	"context"
	"sync"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
)

// maxFlows bounds the services whose flows are kept: 16 MiB of at most 20 KiB each.
const maxFlows = 800

// flows keeps the services' flows in memory. After a restart a service may open as many
// incidents again in the same hour.
type flows struct {
	mu  sync.Mutex
	all map[flowKey]*kept
}

type flowKey struct{ tenant, service string }

type kept struct {
	incident.Flow
	used time.Time
}

func newFlows() *flows { return &flows{all: map[flowKey]*kept{}} }

// Update implements steps.Flows.
func (f *flows) Update(_ context.Context, tenant, service string, change func(*incident.Flow)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := flowKey{tenant, service}
	one := f.all[k]
	if one == nil {
		if len(f.all) >= maxFlows {
			f.forget()
		}
		one = &kept{}
		f.all[k] = one
	}
	one.used = time.Now()
	change(&one.Flow)
	return nil
}

// Flow implements steps.Flows.
func (f *flows) Flow(_ context.Context, tenant, service string) (incident.Flow, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.all[flowKey{tenant, service}]; one != nil {
		return one.Clone(), nil
	}
	return incident.Flow{}, nil
}

// forget drops the flow that was not asked for longest. The caller holds mu.
func (f *flows) forget() {
	var oldest flowKey
	var at time.Time
	for k, one := range f.all {
		if at.IsZero() || one.used.Before(at) {
			oldest, at = k, one.used
		}
	}
	delete(f.all, oldest)
}
