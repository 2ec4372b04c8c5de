package steps_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// analysis is what a fresh incident's record says after the step.
func (w *world) analysis(service, logs string, model steps.Analyst) (incident.Incident, steps.AnalyzeOutput) {
	w.Helper()
	a := alert(service, w.newID())
	a.ErrorLogs = logs
	ref := w.sent(a)
	out, err := w.analyze(model).Handle(w.Context(), ref)
	if err != nil {
		w.Fatalf("analyze: %v", err)
	}
	return w.load(ref), out
}

// wantManual fails the test unless the incident is left to a person, who is told
// why in words that hold the hint.
func wantManual(t *testing.T, inc incident.Incident, out steps.AnalyzeOutput, hint string) {
	t.Helper()
	if inc.Proposal != nil || out.FixID != nil {
		t.Errorf("a fix is proposed: %+v", inc.Proposal)
	}
	if inc.Analysis == nil || !strings.Contains(inc.Analysis.ManualReason, hint) {
		t.Errorf("%+v does not say %q", inc.Analysis, hint)
	}
	if inc.Analysis.Cause == "" || out.AnalyzedBy != inc.Analysis.AnalyzedBy {
		t.Errorf("cause %q; answered %s, recorded %s", inc.Analysis.Cause, out.AnalyzedBy, inc.Analysis.AnalyzedBy)
	}
}

// The signature's own order is restart-service, rollback-deployment: the first
// that the service allows is proposed, whatever order services.yaml has.
func TestRulesProposeTheFirstFixThatTheServiceAllows(t *testing.T) {
	for _, c := range []struct{ name, fixes, want string }{
		{"first", "[restart-service, rollback-deployment]", "restart-service"},
		{"the file's order does not matter", "[rollback-deployment, restart-service]", "restart-service"},
		{"second where the first is not allowed", "[scale-out, rollback-deployment]", "rollback-deployment"},
		{"none", "[scale-out]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.services("services:\n  api: {owner: o, target: {type: simulated}, fixes: " + c.fixes + "}\n")
			inc, out := w.analysis("api", heapLogs, nil)
			if out.AnalyzedBy != incident.ByRules || inc.Analysis.AnalyzedBy != incident.ByRules {
				t.Errorf("analysed by %s", out.AnalyzedBy)
			}
			if c.want == "" {
				wantManual(t, inc, out, "restart-service, rollback-deployment")
				return
			}
			if out.FixID == nil || *out.FixID != c.want || inc.Proposal == nil || inc.Proposal.FixID != c.want || inc.Analysis.ManualReason != "" {
				t.Errorf("%+v, %+v", inc.Proposal, inc.Analysis)
			}
			if !slices.Equal(inc.Analysis.Evidence, []string{"FATAL ERROR: JavaScript heap out of memory"}) {
				t.Errorf("evidence %q", inc.Analysis.Evidence)
			}
		})
	}
}

func TestRulesStateTheParametersOfTheirFix(t *testing.T) {
	w := newWorld(t)
	inc, _ := w.analysis("disk", "write failed: No space left on device", nil)
	if p := inc.Proposal; p == nil || p.FixID != "free-disk-space" || p.Parameters["olderThanDays"] != "7" {
		t.Errorf("%+v", p)
	}
}

func TestWithoutASignatureAPersonHasToLook(t *testing.T) {
	w := newWorld(t)
	inc, out := w.analysis("api", "one\n\nERROR two\nthree\nfour\nfive\nsix\nseven", nil)
	wantManual(t, inc, out, "a person has to look")
	if out.AnalyzedBy != incident.ByNone || !slices.Equal(inc.Analysis.Evidence, []string{"ERROR two", "four", "five", "six", "seven"}) {
		t.Errorf("%s %q", out.AnalyzedBy, inc.Analysis.Evidence)
	}
}

func TestAServiceThatIsNotListedGoesToAPersonWithItsCause(t *testing.T) {
	model := &analyst{answer: steps.Answer{Cause: "a leak", Evidence: []string{"FATAL ERROR: JavaScript heap out of memory"}, FixID: "restart-service"}}
	for name, m := range map[string]steps.Analyst{"rules": nil, "model": model} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			inc, out := w.analysis("elsewhere", heapLogs, m)
			wantManual(t, inc, out, `"elsewhere" is not listed in services.yaml`)
			if inc.Analysis.AnalyzedBy == incident.ByNone {
				t.Error("the cause was dropped with the fix")
			}
		})
	}
	if len(model.asked) != 1 || len(model.asked[0].Fixes) != 0 {
		t.Errorf("the model was offered fixes for a service that is not listed: %+v", model.asked)
	}
}

func TestAnalyzingAgainReturnsWhatIsStored(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	model := &analyst{answer: steps.Answer{Cause: "a leak", FixID: "restart-service"}}
	first, err := w.analyze(model).Handle(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	w.services(strings.ReplaceAll(services, "restart-service, scale-out", "scale-out"))
	other := &analyst{answer: steps.Answer{Cause: "something else", FixID: "scale-out"}}
	second, err := w.analyze(other).Handle(t.Context(), ref)
	if err != nil || *second.FixID != *first.FixID || second.AnalyzedBy != first.AnalyzedBy {
		t.Errorf("%+v then %+v (%v)", first, second, err)
	}
	if len(other.asked) > 0 || w.load(ref).Analysis.Cause != "a leak" || w.count(ref, incident.EventAnalyzed) != 1 {
		t.Errorf("asked %d times; %+v", len(other.asked), w.load(ref).Analysis)
	}
}

func TestOfTwoAnalysesAtOnceTheFirstStands(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	w.store.onCommit = before(incident.EventAnalyzed, func() {
		if _, err := w.analyze(&analyst{answer: steps.Answer{Cause: "the first"}}).Handle(t.Context(), ref); err != nil {
			t.Error(err)
		}
	})
	out, err := w.analyze(&analyst{answer: steps.Answer{Cause: "the second", FixID: "restart-service"}}).Handle(t.Context(), ref)
	if err != nil || out.FixID != nil || w.load(ref).Analysis.Cause != "the first" {
		t.Errorf("%+v %v, stored %+v", out, err, w.load(ref).Analysis)
	}
}

func TestALateAnalysisChangesNothing(t *testing.T) {
	w := newWorld(t)
	for name, ref := range map[string]incident.Ref{"waiting": w.manual(), "closed": w.closed(w.detected("api")).Ref} {
		model := &analyst{answer: steps.Answer{Cause: "late", FixID: "restart-service"}}
		version := w.load(ref).Version
		out, err := w.analyze(model).Handle(t.Context(), ref)
		if err != nil || out.FixID != nil || len(model.asked) > 0 || w.load(ref).Version != version {
			t.Errorf("%s: %+v %v, asked %d times", name, out, err, len(model.asked))
		}
	}
}

// manual is an incident whose analysis failed: people are asked to review it.
func (w *world) manual() incident.Ref {
	w.Helper()
	ref := w.detected("api")
	if err := w.waiting(ref, tokenOf(ref), 0); err != nil {
		w.Fatal(err)
	}
	return ref
}

func TestAnalyzeFailsForTheStoreOnly(t *testing.T) {
	w := newWorld(t)
	_, err := w.analyze(nil).Handle(t.Context(), incident.Ref{Tenant: incident.DefaultTenant, ID: w.newID()})
	wantCode(t, "no such incident", err, incident.CodeNotFound)
	ref := w.detected("api")
	w.store.onEvidence = func() error { return errWire }
	_, err = w.analyze(nil).Handle(t.Context(), ref)
	wantCode(t, "evidence", err, incident.CodeUnavailable)
	w.store.onEvidence, w.store.onCommit = nil, lostReply(incident.EventAnalyzed)
	_, err = w.analyze(nil).Handle(t.Context(), ref)
	wantCode(t, "a lost reply", err, incident.CodeUnavailable)
	out, err := w.analyze(nil).Handle(t.Context(), ref)
	if err != nil || out.FixID == nil || w.count(ref, incident.EventAnalyzed) != 1 {
		t.Errorf("after a lost reply: %+v %v %v", out, err, w.events(ref))
	}
}
