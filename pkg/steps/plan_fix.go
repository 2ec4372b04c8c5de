package steps

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

// PlanFix is plan-fix: it looks at the target, works out what the proposed fix would
// change there and how that would be undone, and freezes the plan that people are asked
// about. Where nothing was proposed it freezes up to three candidates, among which a
// person may choose. It only looks, and holds no token.
type PlanFix struct {
	Store interface {
		Incidents
		EvidenceReader
	}
	Executors Executors
	Inventory *inventory.Inventory
	Lasting   *Lasting // nil: what was tried before is not looked at
	Now       Clock
	Log       *slog.Logger
}

// PlanFixOutput is small: the plan itself stays in the store.
type PlanFixOutput struct {
	PlanHash   *string `json:"planHash"` // null: manual review
	Candidates int     `json:"candidates"`
}

// maxPlan bounds how long all looks at targets may take.
const maxPlan = 25 * time.Second

// Handle freezes once; asked again it answers what was frozen. It returns Unavailable
// for the store, and for a target that may be looked at later.
func (s PlanFix) Handle(ctx context.Context, ref incident.Ref) (PlanFixOutput, error) {
	inc, err := s.Store.Load(ctx, ref)
	if err != nil {
		return PlanFixOutput{}, err
	}
	if inc.Status == incident.Detected && inc.Plan == nil && len(inc.Candidates) == 0 {
		limited, cancel := context.WithTimeout(ctx, maxPlan)
		defer cancel()
		history, err := s.Lasting.Meet(ctx, inc)
		if err != nil {
			return PlanFixOutput{}, err
		}
		planning, err := s.plan(limited, inc, history)
		if err != nil {
			return PlanFixOutput{}, err
		}
		inc, err = update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
			return inc.Planned(planning, s.Now())
		})
		if err != nil {
			return PlanFixOutput{}, err
		}
	}
	out := PlanFixOutput{Candidates: len(inc.Candidates)}
	if inc.Plan != nil {
		out.PlanHash = &inc.Plan.Hash
	}
	return out, nil
}

func (s PlanFix) plan(ctx context.Context, inc incident.Incident, history incident.FixHistory) (incident.Planning, error) {
	if inc.Proposal == nil {
		return s.choice(ctx, inc, history, ""), nil
	}
	if why := tripped(s.Inventory, history, inc, inc.Proposal.FixID, s.Now); why != "" {
		s.Log.WarnContext(ctx, "the breaker is open", "incidentId", inc.ID, "fixId", inc.Proposal.FixID)
		return s.choice(ctx, inc, history, "It is not proposed again: "+why+"."), nil
	}
	bare, err := resolve(s.Inventory, inc, *inc.Proposal)
	if err != nil {
		return incident.Planning{ManualReason: fmt.Sprintf("The proposed fix %s can no longer be applied to this service: %s.",
			inc.Proposal.FixID, Told(err))}, nil
	}
	plan, err := draft(ctx, s.Executors, inc.Ref, bare)
	switch {
	case incident.KindOf(err) == incident.Unavailable:
		return incident.Planning{}, err // the state machine asks again; then people are told that it could not be planned
	case err != nil:
		logFailure(ctx, s.Log, inc.Ref, "the proposed fix could not be planned", err)
		return incident.Planning{ManualReason: fmt.Sprintf("The proposed fix %s cannot be done as the target is: %s.",
			inc.Proposal.FixID, Told(err))}, nil
	}
	return incident.Planning{Plan: &plan, Caution: s.caution(inc, plan, history)}, nil
}

// caution is what people should know before they approve: that the same was done in vain,
// and that it could not begin now.
func (s PlanFix) caution(inc incident.Incident, plan incident.Plan, history incident.FixHistory) string {
	var all []string
	now := s.Now()
	if vain := history.Vain(plan.FixID, now.Add(-s.Inventory.BreakerOf(inc.Service).Within), now); len(vain) > 0 {
		all = append(all, fmt.Sprintf("%s did not help for good before: %s", plan.FixID, tried(vain)))
	}
	if name, until, frozen := s.Inventory.Frozen(inc.Service, plan.FixID, now); frozen {
		all = append(all, fmt.Sprintf("frozen until %s by the window %q: approved before then, it is not started",
			until.UTC().Format("2006-01-02 15:04 UTC"), name))
	}
	return strings.Join(all, ". ")
}

func (s PlanFix) candidate(ctx context.Context, inc incident.Incident, p incident.Proposal) (incident.Plan, error) {
	bare, err := resolve(s.Inventory, inc, p)
	if err != nil {
		return bare, err
	}
	return draft(ctx, s.Executors, inc.Ref, bare)
}

// choice is a manual review, with what may be chosen in it.
func (s PlanFix) choice(ctx context.Context, inc incident.Incident, history incident.FixHistory, why string) incident.Planning {
	p := incident.Planning{Candidates: s.candidates(ctx, inc, history), ManualReason: why, Cautions: map[string]string{}}
	for _, plan := range p.Candidates {
		if caution := s.caution(inc, plan, history); caution != "" {
			p.Cautions[plan.Hash] = caution
		}
	}
	return p
}

// candidates are fixes that a person may choose in a manual review: allowed for the
// service, and such that they could be planned; those of the rules first, then those that
// can hurt least.
func (s PlanFix) candidates(ctx context.Context, inc incident.Incident, history incident.FixHistory) []incident.Plan {
	svc, known := s.Inventory.Lookup(inc.Service)
	if !known || len(svc.Fixes) == 0 {
		return nil
	}
	var all []incident.Plan
	for _, p := range s.leads(ctx, inc, svc) {
		if tripped(s.Inventory, history, inc, p.FixID, s.Now) != "" {
			continue
		}
		plan, err := s.candidate(ctx, inc, p)
		if err != nil {
			s.Log.DebugContext(ctx, "no candidate", "incidentId", inc.ID, "fixId", p.FixID, "error", err.Error())
			continue
		}
		if all = append(all, plan); len(all) == incident.MaxCandidates {
			break
		}
	}
	return all
}

// leads are the service's allowed fixes in the order in which they become candidates.
func (s PlanFix) leads(ctx context.Context, inc incident.Incident, svc inventory.Service) []incident.Proposal {
	var all []incident.Proposal
	seen := map[string]bool{}
	add := func(id string, raw map[string]any) {
		if p, err := catalog.Propose(svc.Fixes, id, raw); err == nil && !seen[id] {
			seen[id] = true
			all = append(all, p)
		}
	}
	if evidence, err := s.Store.Evidence(ctx, inc.Ref); err == nil {
		v := judge(s.Inventory, svc, evidence.Logs)
		for _, id := range v.Fixes {
			add(id, catalog.Raw(v.Parameters[id]))
		}
	}
	rest := slices.Clone(svc.Fixes)
	slices.SortStableFunc(rest, func(a, b string) int { return cmp.Compare(riskOf(a), riskOf(b)) })
	for _, id := range rest {
		add(id, nil)
	}
	return all
}

func riskOf(id string) int {
	fix, _ := catalog.Lookup(id)
	return slices.Index([]catalog.Risk{catalog.RiskLow, catalog.RiskMedium, catalog.RiskHigh}, fix.Risk)
}
