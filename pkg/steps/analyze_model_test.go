package steps_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestTheModelIsToldWhatItMayProposeAndNothingRaw(t *testing.T) {
	w := newWorld(t)
	model := &analyst{answer: steps.Answer{Cause: "a leak"}}
	inc, _ := w.analysis("api", heapLogs+"\npassword=hunter2hunter2", model)
	q := model.asked[0]
	var ids []string
	for _, f := range q.Fixes {
		ids = append(ids, f.ID)
	}
	if q.Ref != inc.Ref || q.Service != "api" || q.Severity != incident.High || !slices.Equal(ids, []string{"restart-service", "scale-out"}) {
		t.Errorf("asked %+v", q)
	}
	if strings.Contains(q.Logs, "hunter2") || !strings.Contains(q.Logs, "heap out of memory") {
		t.Errorf("asked about %q", q.Logs)
	}
}

func TestAnAllowedFixOfTheModelIsProposed(t *testing.T) {
	w := newWorld(t)
	inc, out := w.analysis("api", heapLogs, &analyst{answer: steps.Answer{
		Cause: " load ", Confidence: 0.8, FixID: "scale-out", Parameters: map[string]any{"instances": 3.0}}})
	if out.AnalyzedBy != incident.ByGemini || out.FixID == nil || inc.Proposal == nil || inc.Proposal.Parameters["instances"] != "3" {
		t.Errorf("%+v %+v", out, inc.Proposal)
	}
	if a := inc.Analysis; a.Cause != "load" || a.Confidence != 0.8 || a.ManualReason != "" {
		t.Errorf("%+v", a)
	}
}

func TestWhateverElseTheModelProposesGoesToAPerson(t *testing.T) {
	const dropped = "it was dropped"
	for _, c := range []struct {
		name, service, fix string
		parameters         map[string]any
		hint               string
	}{
		{"no fix", "api", "", nil, "found no fix"},
		{"none", "api", "none", nil, "found no fix"},
		{"a fix that does not exist", "api", "rm -rf /", nil, dropped},
		{"a fix that the service does not allow", "api", "rollback-deployment", nil, dropped},
		{"another service's fix", "api", "free-disk-space", map[string]any{"olderThanDays": 7.0}, dropped},
		{"a parameter below its range", "api", "scale-out", map[string]any{"instances": 0.0}, dropped},
		{"a parameter above its range", "api", "scale-out", map[string]any{"instances": 6.0}, dropped},
		{"a parameter that is not a number", "api", "scale-out", map[string]any{"instances": "3; reboot"}, dropped},
		{"a parameter that is not whole", "api", "scale-out", map[string]any{"instances": 1.5}, dropped},
		{"a parameter that is not one", "api", "restart-service", map[string]any{"target": "prod-db-01"}, dropped},
		{"another spelling", "api", "Restart-Service", nil, dropped},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			inc, out := w.analysis(c.service, heapLogs, &analyst{answer: steps.Answer{Cause: "a leak", FixID: c.fix, Parameters: c.parameters}})
			wantManual(t, inc, out, c.hint)
			if out.AnalyzedBy != incident.ByGemini || inc.Analysis.Cause != "a leak" {
				t.Errorf("the model's cause is gone: %+v", inc.Analysis)
			}
		})
	}
}

// A failed model must not turn into a fix that it might have advised against:
// the rules lend their cause, and a person decides.
func TestAFailingModelLeavesTheRulesCauseAndNoFix(t *testing.T) {
	for _, c := range []struct {
		name  string
		model *analyst
		hint  string
	}{
		{"down", &analyst{err: incident.Unavail("ask", errors.New("dial"))}, "did not answer"},
		{"malformed", &analyst{err: fmt.Errorf("parse: %w", incident.BadField("", "no JSON"))}, "malformed or refused"},
		{"broken", &analyst{err: errors.New("hostile text")}, "it failed"},
		{"no cause", &analyst{answer: steps.Answer{Cause: " \n\u200b", FixID: "restart-service"}}, "named no cause"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			inc, out := w.analysis("api", heapLogs, c.model)
			wantManual(t, inc, out, c.hint)
			wantManual(t, inc, out, "built-in rules")
			if out.AnalyzedBy != incident.ByRules || !strings.Contains(inc.Analysis.Cause, "heap") {
				t.Errorf("%+v", inc.Analysis)
			}
			if strings.Contains(inc.Analysis.ManualReason, "hostile") {
				t.Errorf("the failure's own words are shown: %q", inc.Analysis.ManualReason)
			}
			inc, out = w.analysis("api", "nothing known", c.model)
			wantManual(t, inc, out, c.hint)
			if out.AnalyzedBy != incident.ByNone {
				t.Errorf("analysed by %s", out.AnalyzedBy)
			}
		})
	}
}

func TestTheModelCannotMakeUpEvidence(t *testing.T) {
	for _, c := range []struct {
		name      string
		says, has []string
	}{
		{"all of it there", []string{" worker stopped "}, []string{"worker stopped"}},
		{"some of it there", []string{"invented", "worker stopped", ""}, []string{"worker stopped"}},
		{"none of it there", []string{"invented"}, strings.Split(heapLogs, "\n")},
		{"none given", nil, strings.Split(heapLogs, "\n")},
		{"too much", slices.Repeat([]string{"worker stopped"}, 9), slices.Repeat([]string{"worker stopped"}, 5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			inc, _ := w.analysis("api", heapLogs, &analyst{answer: steps.Answer{Cause: "a leak", Evidence: c.says}})
			if !slices.Equal(inc.Analysis.Evidence, c.has) {
				t.Errorf("evidence %q, want %q", inc.Analysis.Evidence, c.has)
			}
		})
	}
}

func TestWhatTheModelSaysIsBounded(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("é", 2000)
	inc, _ := w.analysis("api", long+"\nend", &analyst{answer: steps.Answer{Cause: long, Evidence: []string{long}}})
	if n := len(inc.Analysis.Cause); n > 1000 || n < 999 {
		t.Errorf("the cause has %d bytes", n)
	}
	if n := len(inc.Analysis.Evidence[0]); n > 500 || n < 499 {
		t.Errorf("the evidence has %d bytes", n)
	}
}

func TestConfidenceStaysBetweenZeroAndOne(t *testing.T) {
	for says, want := range map[float64]float64{-3: 0, 0: 0, 0.25: 0.25, 1: 1, 82: 1, math.Inf(1): 1, math.Inf(-1): 0, math.NaN(): 0} {
		w := newWorld(t)
		inc, _ := w.analysis("api", heapLogs, &analyst{answer: steps.Answer{Cause: "a leak", Confidence: says}})
		if inc.Analysis.Confidence != want {
			t.Errorf("%v became %v, want %v", says, inc.Analysis.Confidence, want)
		}
	}
}

func TestSecretsInTheModelsWordsAreRedacted(t *testing.T) {
	w := newWorld(t)
	inc, _ := w.analysis("api", heapLogs, &analyst{answer: steps.Answer{
		Cause: "the password=hunter2hunter2 was refused\x1b[31m", FixID: "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"}})
	if c := inc.Analysis.Cause; c != "the password=[REDACTED:password] was refused" {
		t.Errorf("cause %q", c)
	}
}
