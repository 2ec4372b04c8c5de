package sim

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/catalog"
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
	const most = 400
	f := fixtures(t)
	for _, p := range slices.Concat(storePlants(), decisionPlants(f), fixPlants(), otherPlants()) {
		t.Run(p.name, func(t *testing.T) {
			tried, found, why := 0, uint64(0), ""
			sweep(t, f, 1, most, p.hooks, func(r Report) bool {
				tried++
				if !r.broke(p.by) {
					return false
				}
				if clean, err := Run(f, r.Seed, Hooks{}); err != nil || clean.broke(p.by) {
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
	join   func(tenant, text string) (incident.Ref, error)
}

func (h hookedStore) Commit(ctx context.Context, c incident.Change) error {
	if h.commit != nil {
		return h.commit(c)
	}
	return h.Memory.Commit(ctx, c)
}

func (h hookedStore) Join(ctx context.Context, tenant, text string, at time.Time) (incident.Ref, error) {
	if h.join != nil {
		return h.join(tenant, text)
	}
	return h.Memory.Join(ctx, tenant, text, at)
}

func beforeStore(commit func(*Memory, incident.Change) error) Hooks {
	return Hooks{Store: func(m *Memory) Store {
		return hookedStore{Memory: m, commit: func(c incident.Change) error { return commit(m, c) }}
	}}
}

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
		{"a join to an incident that has just closed", invNeverLost, Hooks{Store: func(m *Memory) Store {
			last := map[string]incident.Ref{}
			return hookedStore{Memory: m, join: func(tenant, text string) (incident.Ref, error) {
				at, err := m.Join(ctx, tenant, text, epoch)
				if old, known := last[text]; err != nil && known {
					return old, nil
				}
				last[text] = at
				return at, err
			}}
		}}},
		{"a join that is not counted", invNeverLost, Hooks{Store: func(m *Memory) Store {
			return hookedStore{Memory: m, join: func(tenant, text string) (incident.Ref, error) { return m.Holder(ctx, tenant, text) }}
		}}},
		{"a second open incident for the same trouble", invNeverLost, beforeStore(func(m *Memory, c incident.Change) error {
			if c.HoldDedup {
				delete(m.dedup, fingerprint{c.Incident.Tenant, c.Incident.Fingerprint})
			}
			return m.Commit(ctx, c)
		})},
	}
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
		{"a quorum is ignored", invApproval, Hooks{Steps: func(s *Steps) { s.Approve.Inventory = f.inventories[0][3] }}},
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
				svc, known := inv.Lookup(inc.ServerName)
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

func fixPlants() []plant {
	execute := func(load func(incident.Incident) incident.Incident, commit func(incident.Change, incident.Incident) incident.Change) Hooks {
		return Hooks{Steps: func(s *Steps) { alter(&s.Execute.Store, load, commit) }}
	}
	return []plant{
		{"it acts before the claim is persisted", invApproval, Hooks{Steps: func(s *Steps) { s.ExecuteFix = actFirst(s.Execute) }}},
		{"today's plan is not compared with the approved one", invAllowed, Hooks{Steps: func(s *Steps) { s.ExecuteFix = claimUnseen(s.Execute) }}},
		{"a stale approval is accepted", invApproval, Hooks{Steps: func(s *Steps) {
			now := s.Execute.Now
			alter(&s.Execute.Store, func(inc incident.Incident) incident.Incident {
				if inc.Decision != nil {
					d := *inc.Decision
					d.At, inc.Decision = now(), &d
				}
				return inc
			}, func(c incident.Change, real incident.Incident) incident.Change {
				c.Incident.Decision = real.Decision
				return c
			})
		}}},
		{"recoveredAt is ignored", invApproval, execute(func(inc incident.Incident) incident.Incident {
			inc.RecoveredAt = nil
			return inc
		}, func(c incident.Change, real incident.Incident) incident.Change {
			c.Incident.RecoveredAt = real.RecoveredAt
			return c
		})},
		{"the target is not taken", invOnce, execute(nil, func(c incident.Change, _ incident.Incident) incident.Change {
			c.Take = nil
			return c
		})},
		{"the target is not given back", invOnce, execute(nil, func(c incident.Change, _ incident.Incident) incident.Change {
			c.Free = ""
			return c
		})},
		{"the fix is run again after a crash between claim and result", invOnce, Hooks{Steps: func(s *Steps) { s.ExecuteFix = runAgain(s.Execute) }}},
		{"an unknown outcome is recorded as fixed", invTruth, execute(nil, func(c incident.Change, _ incident.Incident) incident.Change {
			if at := c.Incident.Attempt; at != nil && at.Outcome == incident.Unknown {
				claimed := *at
				claimed.Outcome, claimed.Verified = incident.Fixed, true
				c.Incident.Attempt = &claimed
			}
			return c
		})},
		{"a refused fix is claimed later", invApproval, execute(func(inc incident.Incident) incident.Incident {
			inc.Refusal = ""
			return inc
		}, nil)},
	}
}

// ran is an executor that has run already.
type ran struct {
	steps.Executor
	result incident.Result
}

func (r ran) Run(context.Context, incident.Ref, incident.Plan) incident.Result { return r.result }

func actFirst(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.ExecuteFixOutput, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.ExecuteFixOutput, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err != nil || inc.Attempt != nil || inc.Plan == nil {
			return s.Handle(ctx, ref)
		}
		s.Executor = ran{s.Executor, s.Executor.Run(ctx, ref, *inc.Plan)}
		return s.Handle(ctx, ref)
	}
}

// claimUnseen claims with the approved plan itself in the place of today's.
func claimUnseen(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.ExecuteFixOutput, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.ExecuteFixOutput, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err != nil {
			return steps.ExecuteFixOutput{}, err
		}
		c, err := inc.Claim(inc.Plan, s.Now())
		if err != nil || s.Store.Commit(ctx, c) != nil {
			return s.Handle(ctx, ref)
		}
		result := s.Executor.Run(ctx, ref, *inc.Plan)
		if c, err = c.Incident.Record(result, s.Now()); err == nil {
			err = s.Store.Commit(ctx, c)
		}
		return steps.ExecuteFixOutput{Outcome: result.Outcome, Verified: result.Verified}, err
	}
}

func runAgain(s steps.ExecuteFix) func(context.Context, incident.Ref) (steps.ExecuteFixOutput, error) {
	return func(ctx context.Context, ref incident.Ref) (steps.ExecuteFixOutput, error) {
		inc, err := s.Store.Load(ctx, ref)
		if err == nil && inc.Attempt != nil && inc.Attempt.FinishedAt == nil {
			s.Executor.Run(ctx, ref, *inc.Plan)
		}
		return s.Handle(ctx, ref)
	}
}

// unstarted is a workflow that loses the starts of some executions for good.
type unstarted struct{ Workflow }

func (u unstarted) Start(ctx context.Context, ref incident.Ref, input json.RawMessage) error {
	if strings.HasSuffix(ref.ID, "A") {
		return nil
	}
	return u.Workflow.Start(ctx, ref, input)
}

// loud is a channel that logs what it posts, links and all.
type loud struct {
	steps.Channel
	log func(string)
}

func (l loud) Post(ctx context.Context, b brief.Brief) (string, error) {
	l.log(b.Links.Approve)
	return l.Channel.Post(ctx, b)
}

// guesser is a model that answers for one that failed.
type guesser struct{ steps.Analyst }

func (g guesser) Analyze(ctx context.Context, q steps.Question) (steps.Answer, error) {
	a, err := g.Analyst.Analyze(ctx, q)
	if err != nil && len(q.Fixes) > 0 {
		return steps.Answer{Cause: "a guess", FixID: q.Fixes[0].ID}, nil
	}
	return a, err
}

// raw is a store of ingest-alert that keeps what the sender wrote.
type raw struct {
	ingestStore
	logs string
}

type ingestStore interface {
	steps.Incidents
	steps.Dedup
}

func (r raw) Commit(ctx context.Context, c incident.Change) error {
	if c.Evidence != nil {
		c.Evidence = &incident.Evidence{Logs: r.logs}
	}
	return r.ingestStore.Commit(ctx, c)
}

func otherPlants() []plant {
	return []plant{
		{"an execution is never started", invNeverLost, Hooks{Workflow: func(w Workflow) Workflow { return unstarted{w} }}},
		{"an escalation is lost with the ticket that failed", invNeverLost, Hooks{Steps: func(s *Steps) {
			ticket := s.Ticket
			s.CreateTicket = func(ctx context.Context, in steps.CreateTicketInput) (steps.CreateTicketOutput, error) {
				out, err := ticket.Handle(ctx, in)
				if err != nil {
					return steps.CreateTicketOutput{}, nil
				}
				return out, nil
			}
		}}},
		{"a model that failed still leads to a fix", invModel, Hooks{Steps: func(s *Steps) {
			if s.Analyze.Analyst != nil {
				s.Analyze.Analyst = guesser{s.Analyze.Analyst}
			}
		}}},
		{"secrets are stored as they came", invSecrets, Hooks{Steps: func(s *Steps) {
			ingest := s.Ingest
			s.IngestAlert = func(ctx context.Context, in steps.IngestInput) (steps.Ingested, error) {
				step := ingest
				step.Store = raw{ingest.Store, in.Alert.ErrorLogs}
				return step.Handle(ctx, in)
			}
		}}},
		{"a decision link is logged", invTokens, Hooks{Steps: func(s *Steps) {
			for n, ch := range s.Wait.People.Channels {
				s.Wait.People.Channels[n] = loud{ch, func(link string) { s.Wait.Log.Info("posted", "link", link) }}
			}
		}}},
		{"the task token outlives the incident", invTokens, Hooks{Store: func(m *Memory) Store {
			return hookedStore{Memory: m, commit: func(c incident.Change) error {
				c.FreeWait = false
				return m.Commit(context.Background(), c)
			}}
		}}},
	}
}
