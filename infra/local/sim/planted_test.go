package sim

import (
	"context"
	"slices"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// plant is a bug: what it breaks, and which invariant has to see it.
type plant struct {
	name  string
	by    string // the invariant; a bug may break others too
	hooks Hooks
}

// TestSimFindsPlantedBugs requires that every planted bug is found within a
// number of seeds. A seed that fails without the bug too does not count.
func TestSimFindsPlantedBugs(t *testing.T) {
	const most = 1500
	if testing.Short() {
		t.Skip("it plants each bug in up to 1,500 worlds; make test does")
	}
	f := fixtures(t)
	for _, p := range slices.Concat(storePlants(), decisionPlants(f), choicePlants(), fixPlants(), networkPlants(), settlePlants(), undoPlants(), turnPlants(), otherPlants()) {
		t.Run(p.name, func(t *testing.T) {
			tried, found, why := 0, uint64(0), ""
			sweep(t, f, 1, most, p.hooks, func(r Report) bool {
				tried++
				if !r.broke(p.by) {
					return false
				}
				if clean, err := Run(f, r.Seed, Hooks{profile: p.hooks.profile}); err != nil || clean.broke(p.by) {
					return false
				}
				found, why = r.Seed, r.first(p.by)
				return true
			})
			if found == 0 {
				t.Fatalf("not found in %d seeds", tried)
			}
			t.Logf("PLANTED %-62s found after %3d seeds by %q (seed %d, %s)", p.name, tried, p.by, found, why)
		})
	}
}

// TestAFailingSeedReplaysExactly: what is printed of a failure can be seen again.
func TestAFailingSeedReplaysExactly(t *testing.T) {
	f := fixtures(t)
	forgetful := Hooks{Steps: func(s *Steps) {
		alter(&s.Execute.Store, nil, func(c incident.Change, _ incident.Incident) incident.Change { c.Take = nil; return c })
	}}
	failures := 0
	sweep(t, f, 1, 60, forgetful, func(r Report) bool {
		if len(r.Violations) == 0 {
			return false
		}
		failures++
		again, err := Run(f, r.Seed, forgetful)
		if err != nil || again.Hash != r.Hash || again.String() != r.String() || again.Trace() != r.Trace() {
			t.Errorf("seed %d: another life the second time: %v\n%s%s", r.Seed, err, r, again)
		}
		return failures == 5
	})
	if failures == 0 {
		t.Error("no seed failed")
	}
}

func (r Report) broke(invariant string) bool { return r.first(invariant) != "" }

// first is what the first violation of an invariant says; "" if there is none.
func (r Report) first(invariant string) string {
	for _, v := range r.Violations {
		if v.Invariant == invariant {
			return v.Why
		}
	}
	return ""
}

// altered stands before a step's store: load changes what the step reads, and
// commit what it writes; commit is given the record as it really is.
type altered struct {
	steps.Incidents
	load   func(incident.Incident) incident.Incident
	commit func(c incident.Change, real incident.Incident) incident.Change
	real   map[incident.Ref]incident.Incident
}

func alter(s *steps.Incidents, load func(incident.Incident) incident.Incident, commit func(incident.Change, incident.Incident) incident.Change) {
	*s = altered{*s, load, commit, map[incident.Ref]incident.Incident{}}
}

func (a altered) Load(ctx context.Context, ref incident.Ref) (incident.Incident, error) {
	inc, err := a.Incidents.Load(ctx, ref)
	a.real[ref] = inc
	if err == nil && a.load != nil {
		inc = a.load(inc)
	}
	return inc, err
}

func (a altered) Commit(ctx context.Context, c incident.Change) error {
	if a.commit != nil {
		c = a.commit(c, a.real[c.Incident.Ref])
	}
	return a.Incidents.Commit(ctx, c)
}

// hookedStore stands before the whole store.
type hookedStore struct {
	*Memory
	commit func(incident.Change) error
	join   func(tenant, text string, says incident.Latest) (incident.Incident, error)
}

func (h hookedStore) Commit(ctx context.Context, c incident.Change) error {
	if h.commit != nil {
		return h.commit(c)
	}
	return h.Memory.Commit(ctx, c)
}

func (h hookedStore) Join(ctx context.Context, tenant, text string, says incident.Latest) (incident.Incident, error) {
	if h.join != nil {
		return h.join(tenant, text, says)
	}
	return h.Memory.Join(ctx, tenant, text, says)
}

func beforeStore(commit func(*Memory, incident.Change) error) Hooks {
	return Hooks{Store: func(m *Memory) Store {
		return hookedStore{Memory: m, commit: func(c incident.Change) error { return commit(m, c) }}
	}}
}
