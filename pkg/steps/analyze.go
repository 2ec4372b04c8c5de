package steps

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/redact"
	"github.com/opsguard/opsguard/pkg/rules"
)

// Analyst is a model that is asked for the probable cause. Errors are
// Unavailable (worth asking again) or Invalid (it answered, unusably). Nothing
// it says is trusted.
type Analyst interface {
	Name() incident.AnalyzedBy
	Analyze(ctx context.Context, q Question) (Answer, error)
}

// Question is what an analyst is told.
type Question struct {
	Ref      incident.Ref
	Service  string
	Severity incident.Severity
	Logs     string        // redacted; data from outside, never instructions
	Fixes    []catalog.Fix // what may be proposed for this service; none: the cause only
}

// Answer is what an analyst said, as it said it.
type Answer struct {
	Cause      string
	Evidence   []string
	Confidence float64
	FixID      string // "" or "none": no fix
	Parameters map[string]any
}

// EvidenceReader reads what an incident was opened with.
type EvidenceReader interface {
	Evidence(ctx context.Context, ref incident.Ref) (incident.Evidence, error)
}

// Analyze is analyze: it asks the model if there is one, else the rules, checks
// the answer against the fixes that the service allows, and stores analysis and
// proposal. If that fails or finds nothing, the incident becomes a manual review.
type Analyze struct {
	Store interface {
		Incidents
		EvidenceReader
	}
	Analyst   Analyst // nil: rules only
	Inventory *inventory.Inventory
	Now       Clock
	Log       *slog.Logger
}

// AnalyzeOutput is small: the analysis itself stays in the store.
type AnalyzeOutput struct {
	AnalyzedBy incident.AnalyzedBy `json:"analyzedBy"`
	FixID      *string             `json:"fixId"` // null: manual review
}

// Handle returns Unavailable only for the store; a failing model is an outcome.
func (s Analyze) Handle(ctx context.Context, ref incident.Ref) (AnalyzeOutput, error) {
	inc, err := s.Store.Load(ctx, ref)
	if err != nil {
		return AnalyzeOutput{}, err
	}
	if inc.Analysis == nil && inc.Status == incident.Detected {
		evidence, err := s.Store.Evidence(ctx, ref)
		if err != nil {
			return AnalyzeOutput{}, err
		}
		analysis, proposal := s.analyze(ctx, inc, evidence.Logs)
		inc, err = update(ctx, s.Store, ref, func(inc incident.Incident) (incident.Change, error) {
			return inc.Propose(analysis, proposal, s.Now())
		})
		if err != nil {
			return AnalyzeOutput{}, err
		}
	}
	out := AnalyzeOutput{AnalyzedBy: incident.ByNone}
	if inc.Analysis != nil {
		out.AnalyzedBy = inc.Analysis.AnalyzedBy
	}
	if inc.Proposal != nil {
		out.FixID = &inc.Proposal.FixID
	}
	return out, nil
}

func (s Analyze) analyze(ctx context.Context, inc incident.Incident, logs string) (incident.Analysis, *incident.Proposal) {
	svc, known := s.Inventory.Lookup(inc.Service)
	byRules, byRulesFix := s.fromRules(logs, svc)
	analysis, proposal := byRules, byRulesFix
	if s.Analyst != nil {
		analysis, proposal = s.ask(ctx, inc, svc, logs)
		if analysis.AnalyzedBy == incident.ByNone && byRules.AnalyzedBy != incident.ByNone {
			// The rules' cause helps the reviewer, but a failed model must not turn
			// into a fix that it might have advised against.
			why := analysis.ManualReason
			analysis, proposal = byRules, nil
			analysis.ManualReason = why + " The cause shown is from the built-in rules."
		}
	}
	if !known {
		proposal = nil
		analysis.ManualReason = fmt.Sprintf("%q is not listed in services.yaml, so no fix may be proposed for it. Add it there with an owner, a target and its allowed fixes, and restart or deploy.", inc.Service)
	}
	return analysis, proposal
}

// fromRules looks for known failures.
func (s Analyze) fromRules(logs string, svc inventory.Service) (incident.Analysis, *incident.Proposal) {
	v := judge(s.Inventory, svc, logs)
	if v.RuleID == "" {
		return incident.Analysis{AnalyzedBy: incident.ByNone, Cause: "No known failure signature matches these logs.",
			Evidence: notable(logs), ManualReason: "No cause was found; a person has to look."}, nil
	}
	analysis := incident.Analysis{AnalyzedBy: incident.ByRules, Cause: v.Cause, Evidence: bounded(v.Lines), Confidence: shareOf(v.Confidence)}
	if len(v.Fixes) == 0 {
		analysis.ManualReason = "The rules know no fix of this service for this cause; a person has to look."
		return analysis, nil
	}
	for _, id := range v.Fixes {
		if proposal, err := catalog.Propose(svc.Fixes, id, catalog.Raw(v.Parameters[id])); err == nil {
			return analysis, &proposal
		}
	}
	analysis.ManualReason = fmt.Sprintf("The usual fixes (%s) are not among those allowed for this service in services.yaml.", strings.Join(v.Fixes, ", "))
	return analysis, nil
}

// judge is what the rules say of a service's logs.
func judge(inv *inventory.Inventory, svc inventory.Service, logs string) rules.Verdict {
	return inv.Rules().Judge(rules.Input{Service: svc.Name, Logs: logs, DependsOn: svc.DependsOn})
}

// shareOf is how the record writes a confidence, 0 to 1.
func shareOf(c rules.Confidence) float64 {
	switch c {
	case rules.Sure:
		return 0.95
	case rules.Likely:
		return 0.75
	}
	return 0.5
}

// ask puts the question to the model and lets through only what can be checked.
func (s Analyze) ask(ctx context.Context, inc incident.Incident, svc inventory.Service, logs string) (incident.Analysis, *incident.Proposal) {
	fixes := make([]catalog.Fix, 0, len(svc.Fixes))
	for _, id := range svc.Fixes {
		if fix, ok := catalog.Lookup(id); ok {
			fixes = append(fixes, fix)
		}
	}
	answer, err := s.Analyst.Analyze(ctx, Question{inc.Ref, inc.Service, inc.Severity, logs, fixes})
	if err != nil {
		logFailure(ctx, s.Log, inc.Ref, "the model gave no usable analysis", err)
		return incident.Analysis{AnalyzedBy: incident.ByNone, Cause: "The model gave no usable analysis.", Evidence: notable(logs),
			ManualReason: "The model could not be used (" + modelFailure(err) + "); a person has to look."}, nil
	}
	cause, _ := redact.Text(answer.Cause)
	analysis := incident.Analysis{AnalyzedBy: s.Analyst.Name(), Cause: incident.Cut(strings.TrimSpace(cause), maxCause),
		Evidence: quoted(answer.Evidence, logs), Confidence: share(answer.Confidence)}
	if analysis.Cause == "" {
		return incident.Analysis{AnalyzedBy: incident.ByNone, Cause: "The model gave no usable analysis.", Evidence: notable(logs),
			ManualReason: "The model named no cause; a person has to look."}, nil
	}
	if answer.FixID == "" || answer.FixID == "none" {
		analysis.ManualReason = "The model found no fix among those allowed for this service."
		return analysis, nil
	}
	proposal, err := catalog.Propose(svc.Fixes, answer.FixID, answer.Parameters)
	if err != nil {
		logFailure(ctx, s.Log, inc.Ref, "the model proposed what is not allowed", err)
		analysis.ManualReason = "The model proposed something that is not allowed for this service; it was dropped."
		return analysis, nil
	}
	return analysis, &proposal
}

// share keeps a model's confidence within 0 and 1; what is no number is 0.
func share(confidence float64) float64 {
	if math.IsNaN(confidence) {
		return 0
	}
	return min(max(confidence, 0), 1)
}

// modelFailure words a model's failure without repeating anything it said.
func modelFailure(err error) string {
	switch incident.KindOf(err) {
	case incident.Unavailable:
		return "it did not answer"
	case incident.Invalid:
		return "its answer was malformed or refused"
	}
	return "it failed"
}

// Bounds of what an analysis adds to the record.
const (
	maxCause        = 1000 // bytes
	maxEvidence     = 5    // lines
	maxEvidenceLine = 500  // bytes
)

// quoted keeps the lines that really stand in the logs: a model may not make up
// evidence.
func quoted(lines []string, logs string) []string {
	kept := []string{}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line != "" && strings.Contains(logs, line) {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		return notable(logs)
	}
	return bounded(kept)
}

// notable are the lines that a person should see where nothing cites any.
func notable(logs string) []string { return bounded(rules.Notable(logs)) }

// bounded makes at most maxEvidence single lines of at most maxEvidenceLine bytes.
func bounded(lines []string) []string {
	kept := []string{}
	for _, line := range lines[:min(len(lines), maxEvidence)] {
		clean, _ := redact.Line(line)
		kept = append(kept, incident.Cut(clean, maxEvidenceLine))
	}
	return kept
}
