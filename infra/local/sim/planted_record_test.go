package sim

import (
	"context"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
)

func storePlants() []plant {
	ctx := context.Background()
	return []plant{
		{"the version condition is dropped", invTrail, beforeStore(func(m *Memory, c incident.Change) error {
			if inc, ok := m.meta[c.Incident.Ref]; ok {
				inc.Version = c.Incident.Version - 1
				m.meta[c.Incident.Ref] = inc
			}
			return m.Commit(ctx, c)
		})},
		{"an event is dropped", invTrail, beforeStore(func(m *Memory, c incident.Change) error {
			err := m.Commit(ctx, c)
			if events := m.events[c.Incident.Ref]; err == nil && c.Event.Action == incident.EventTicket {
				m.events[c.Incident.Ref] = events[:len(events)-1]
			}
			return err
		})},
		{"the end does not free the fingerprint", invNeverLost, beforeStore(func(m *Memory, c incident.Change) error {
			c.FreeDedup = false
			return m.Commit(ctx, c)
		})},
		{"an escalation gives the fingerprint back", invNeverLost, beforeStore(func(m *Memory, c incident.Change) error {
			if !c.KeepDedup.IsZero() {
				c.KeepDedup, c.FreeDedup = time.Time{}, true
			}
			return m.Commit(ctx, c)
		})},
		{"a group's message is taken to show who came later", invNeverLost, Hooks{Store: func(m *Memory) Store { return forgetful{m} }}},
		{"a person who escalated is said to have resolved it", invTruth, beforeStore(func(m *Memory, c incident.Change) error {
			if r := c.Incident.Resolution; r != nil {
				c.Incident.Resolution = &incident.Resolution{By: c.Incident.Decision.By, At: r.At}
			}
			return m.Commit(ctx, c)
		})},
		{"a join to an incident that has just closed", invNeverLost, Hooks{Store: func(m *Memory) Store {
			last := map[string]incident.Ref{}
			return hookedStore{Memory: m, join: func(tenant, text string, says incident.Latest) (incident.Incident, error) {
				inc, err := m.Join(ctx, tenant, text, says)
				if old, known := last[text]; err != nil && known {
					return m.Load(ctx, old)
				}
				last[text] = inc.Ref
				return inc, err
			}}
		}}},
		{"a join that is not counted", invNeverLost, Hooks{Store: func(m *Memory) Store {
			return hookedStore{Memory: m, join: func(tenant, text string, _ incident.Latest) (incident.Incident, error) {
				ref, err := m.Holder(ctx, tenant, text)
				if err != nil {
					return incident.Incident{}, err
				}
				return m.Load(ctx, ref)
			}}
		}}},
		{"a second open incident for the same trouble", invNeverLost, beforeStore(func(m *Memory, c incident.Change) error {
			if c.HoldDedup {
				delete(m.dedup, fingerprint{c.Incident.Tenant, c.Incident.Fingerprint})
			}
			return m.Commit(ctx, c)
		})},
	}
}

// forgetful never has a group's message brought up to date.
type forgetful struct{ *Memory }

func (f forgetful) UpdateGroup(ctx context.Context, tenant, key string, change func(*incident.Group)) error {
	return f.Memory.UpdateGroup(ctx, tenant, key, func(g *incident.Group) {
		if g.Message != "" {
			g.Shown = g.Changed + 1
		}
		change(g)
		if g.Message != "" {
			g.Shown = g.Changed
		}
	})
}

func decisionPlants(f *Fixtures) []plant {
	approve := func(load func(incident.Incident) incident.Incident, commit func(incident.Change, incident.Incident) incident.Change) Hooks {
		return Hooks{Steps: func(s *Steps) { alter(&s.Approve.Store, load, commit) }}
	}
	return []plant{
		{"a decision is accepted after its deadline", invDeadline, approve(func(inc incident.Incident) incident.Incident {
			return withDeadline(inc, time.Hour)
		}, func(c incident.Change, real incident.Incident) incident.Change {
			c.Incident.Asked = real.Asked
			return c
		})},
		{"a decision is overwritten", invDecision, approve(func(inc incident.Incident) incident.Incident {
			inc.Decision = nil
			return inc
		}, nil)},
		{"a quorum is ignored", invApproval, Hooks{Steps: func(s *Steps) { s.Approve.Inventory = f.inventories[0][0][3] }}},
		{"an older task token overwrites a newer one", invNewest, Hooks{Steps: func(s *Steps) {
			alter(&s.Wait.Store, func(inc incident.Incident) incident.Incident {
				if inc.Asked != nil {
					asked := *inc.Asked
					asked.RetryCount = -1
					inc.Asked = &asked
				}
				return inc
			}, nil)
		}}},
		{"the plan is made when it is executed, not when people are asked", invApproval, Hooks{Steps: func(s *Steps) {
			inv := s.Execute.Inventory
			alter(&s.Execute.Store, func(inc incident.Incident) incident.Incident {
				svc, known := inv.Lookup(inc.Service)
				if !known || inc.Proposal == nil || inc.Decision == nil || inc.Attempt != nil {
					return inc
				}
				if plan, err := catalog.Build(inc.Ref, svc.Fixes, svc.Target, *inc.Proposal); err == nil {
					d := *inc.Decision
					d.PlanHash, inc.Plan, inc.Decision = plan.Hash, &plan, &d
				}
				return inc
			}, nil)
		}}},
	}
}

func withDeadline(inc incident.Incident, later time.Duration) incident.Incident {
	if inc.Asked != nil {
		asked := *inc.Asked
		asked.Deadline = asked.Deadline.Add(later)
		inc.Asked = &asked
	}
	return inc
}
