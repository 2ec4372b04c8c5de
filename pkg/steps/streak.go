package steps

import (
	"context"
	"maps"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// Streak is how the last rounds of one check went.
type Streak struct {
	Bad    int  `json:"bad,omitempty"`    // in a row
	Good   int  `json:"good,omitempty"`   // in a row, while it counts as unwell
	Unwell bool `json:"unwell,omitempty"` // what it counts as
}

// after is the streak after one more round. A check counts as unwell after failures bad
// rounds in a row, and as well again after successes good ones.
func (s Streak) after(healthy bool, failures, successes int) Streak {
	switch {
	case !healthy:
		bad := min(s.Bad+1, failures)
		return Streak{Bad: bad, Unwell: s.Unwell || bad >= failures}
	case s.Unwell && s.Good+1 < successes:
		return Streak{Good: s.Good + 1, Unwell: true}
	}
	return Streak{}
}

// settled returns the findings that count: all of them for a service without thresholds,
// else those whose streak says the same as the round. The others wait.
func (s HourlyHealthCheck) settled(ctx context.Context, svc inventory.Service, findings []Finding) (counted, waiting []Finding, err error) {
	failures, successes := max(1, svc.Health.FailureThreshold), max(1, svc.Health.SuccessThreshold)
	if failures == 1 && successes == 1 || len(findings) == 0 {
		return findings, nil, nil
	}
	state, err := s.Memory.Health(ctx, incident.DefaultTenant, svc.Name)
	if err != nil {
		return nil, nil, err
	}
	before := state.Checks
	state.Checks = maps.Clone(before)
	if state.Checks == nil {
		state.Checks = map[string]Streak{}
	}
	for _, f := range findings {
		streak := before[f.Check].after(f.Healthy, failures, successes)
		if state.Checks[f.Check] = streak; streak == (Streak{}) {
			delete(state.Checks, f.Check)
		}
		if streak.Unwell != f.Healthy {
			counted = append(counted, f)
		} else {
			waiting = append(waiting, f)
		}
	}
	if maps.Equal(before, state.Checks) {
		return counted, waiting, nil
	}
	return counted, waiting, s.Memory.KeepHealth(ctx, incident.DefaultTenant, svc.Name, state)
}
