package brief_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/brief"
	"github.com/opsguard/opsguard/pkg/incident"
)

// rollback is a plan for a real target, as its executor drafted it.
func rollback() incident.Plan {
	plan := incident.Plan{FixID: "rollback-deployment", Title: "Roll prod-api-01 back to the version before the last deployment", Risk: "high",
		Target:     incident.Target{Service: "prod-api-01", Type: "kubernetes", Attributes: map[string]string{"namespace": "shop", "deployment": "api"}},
		Parameters: map[string]string{}, FixDigest: "d"}
	return plan.With(incident.Draft{
		Actions: []string{`patch deployments.apps/api in shop: {"spec":{"template":{"spec":{"containers":[{"name":"api","image":"registry.test/api:41"}]}}}}`},
		Present: incident.State{"revision": "42", "image": "registry.test/api:42", "replicas": "3"},
		Wanted:  incident.State{"revision": "43", "image": "registry.test/api:41"},
		Undo:    incident.Undo{Actions: []string{"patch it back to registry.test/api:42"}, Wanted: incident.State{"image": "registry.test/api:42"}},
		Blast:   incident.Blast{Affected: 3, Of: 3, Unit: "pods"},
	}, "e").Freeze(detected().Ref)
}

func final(p incident.Plan) incident.Plan {
	p.Undo = incident.Undo{Not: "a restart cannot be taken back"}
	return p.Freeze(detected().Ref)
}

// asked has people asked about a plan of their own choice.
func asked(t *testing.T, p incident.Planning) incident.Incident {
	t.Helper()
	analysis := incident.Analysis{AnalyzedBy: incident.ByRules, Cause: "The last deployment broke it."}
	var proposal *incident.Proposal
	if p.Plan != nil {
		proposal = &incident.Proposal{FixID: p.Plan.FixID}
	} else {
		analysis.ManualReason = "The rules and the model disagree."
	}
	c, err := detected().Propose(analysis, proposal, at(10, 5))
	inc := must(t, c, err)
	c, err = inc.Planned(p, at(10, 5))
	inc = must(t, c, err)
	c, err = inc.Await(incident.Ask{ManualReason: analysis.ManualReason, Token: incident.NewTaskToken("token"), EnteredAt: at(10, 6), Now: at(10, 6)})
	return must(t, c, err)
}

func askedAbout(t *testing.T, p incident.Plan) incident.Incident {
	t.Helper()
	return asked(t, incident.Planning{Plan: &p})
}

func claimed(t *testing.T, p incident.Plan) incident.Incident {
	t.Helper()
	inc := decide(t, askedAbout(t, p), incident.Approve, incident.KeyActor("anna"), "")
	c, err := inc.Claim(incident.Claimer{}, inc.Plan, at(11, 1))
	return must(t, c, err)
}

func took(t *testing.T, p incident.Plan) incident.Incident {
	t.Helper()
	c, err := claimed(t, p).Took(nil, []incident.FixStep{{Name: "patch", Status: "ok", At: at(11, 1)}}, false, at(11, 1))
	return must(t, c, err)
}

func unhelpful(t *testing.T, p incident.Plan) incident.Incident {
	t.Helper()
	c, err := took(t, p).Record(incident.Result{Outcome: incident.Applied, Looked: true, Over: !p.Undo.Possible(),
		Steps: []incident.FixStep{{Name: "pods", Status: "failed", Detail: "0 of 3 are ready"}}}, at(11, 11))
	return must(t, c, err)
}

func undoing(t *testing.T) incident.Incident {
	t.Helper()
	c, err := unhelpful(t, rollback()).ClaimUndo(incident.Claimer{}, at(11, 11))
	return must(t, c, err)
}

func undoTaken(t *testing.T) incident.Incident {
	t.Helper()
	c, err := undoing(t).TookUndo(nil, nil, false, at(11, 12))
	return must(t, c, err)
}

func undoEnded(t *testing.T, o incident.Outcome) incident.Incident {
	t.Helper()
	c, err := undoTaken(t).RecordUndo(incident.Result{Outcome: o, Over: true, Steps: []incident.FixStep{{Name: "pods", Status: "ok"}}}, at(11, 15))
	return must(t, c, err)
}

func stale(t *testing.T) incident.Incident {
	t.Helper()
	c, err := claimed(t, rollback()).Record(incident.Result{Outcome: incident.Stale, Steps: []incident.FixStep{{Name: "look again", Status: "failed",
		Detail: `the target is no longer as planned: revision was "42" when the plan was made and is "44" now; nothing was changed`}}}, at(11, 2))
	return must(t, c, err)
}

func contested(t *testing.T) incident.Incident {
	t.Helper()
	restart := incident.Plan{FixID: "restart-service", Title: "Restart prod-api-01", Risk: "medium", FixDigest: "d",
		Target: incident.Target{Service: "prod-api-01", Type: "simulated"}}.Freeze(detected().Ref)
	return asked(t, incident.Planning{Candidates: []incident.Plan{rollback(), restart}})
}

// Golden texts of plans for real targets are among those of TestTextIsTheGoldenOne.
func planCases(t *testing.T) map[string]incident.Incident {
	t.Helper()
	voted, err := contested(t).Vote(incident.Vote{Action: incident.Approve, By: "key:ben", PlanHash: rollback().Hash},
		incident.Verdict{Allowed: true, Have: 1, Needed: 2}, at(10, 30))
	return map[string]incident.Incident{
		"real_waiting": askedAbout(t, rollback()), "real_waiting_final": askedAbout(t, final(rollback())), "real_settling": took(t, rollback()),
		"real_undone": closed(t, undoEnded(t, incident.Undone)), "real_stale": closed(t, stale(t)),
		"candidates": must(t, voted, err),
		"chosen":     decide(t, contested(t), incident.Approve, "key:anna", "", rollback().Hash),
	}
}

func TestEachStateOfAFixHasItsWords(t *testing.T) {
	const kept = "; in case it goes on, no other fix runs on its target before 2026-11-02 11:2"
	never := closed(t, undoing(t))
	for name, tc := range map[string]struct {
		inc        incident.Incident
		line, says string
		escalated  string
	}{
		"settles": {took(t, rollback()), "the fix was applied and is being verified until 11:11 UTC",
			"applied at 2026-11-02 11:01 UTC, being verified until 11:11 UTC", ""},
		"about to be undone": {unhelpful(t, rollback()), "the fix did not help and is about to be undone",
			"applied, but not seen to help; it is about to be undone" + kept[:len(kept)-1] + "26 UTC", ""},
		"cannot be undone": {unhelpful(t, final(rollback())), "the fix has ended; the incident is being closed",
			"applied, but not seen to help; it was not undone: it cannot be", ""},
		"being undone": {undoing(t), "the fix did not help and is being undone",
			"applied, but not seen to help; being undone since 2026-11-02 11:11 UTC", ""},
		"undoing settles": {undoTaken(t), "the fix did not help; undoing it is being verified until 11:22 UTC",
			"applied, but not seen to help; undone at 2026-11-02 11:12 UTC, being verified until 11:22 UTC", ""},
		"undone": {undoEnded(t, incident.Undone), "the fix has ended; the incident is being closed",
			"applied, but not seen to help; it was undone: what it changed is as it was before",
			"the fix was applied, but was not seen to help; it was undone: what it changed is as it was before"},
		"undoing changed nothing": {undoEnded(t, incident.Failed), "", "applied, but not seen to help; it could not be undone: undoing it changed nothing", ""},
		"undoing not seen":        {undoEnded(t, incident.Applied), "", "applied, but not seen to help; undoing it was begun, but not seen to work", ""},
		"undoing unknown":         {undoEnded(t, incident.Unknown), "", "applied, but not seen to help; it is not known whether it was undone", ""},
		"undoing never heard of": {never, "", "undoing it was begun at 2026-11-02 11:11 UTC and never heard of again: it may or may not have been undone",
			"the fix was applied, but was not seen to help; undoing it was begun"},
		"nobody looked": {closed(t, took(t, rollback())), "", "applied at 2026-11-02 11:01 UTC; nobody saw how it went on, and it was not undone", ""},
		"stale": {stale(t), "", "nothing was changed: the target is no longer as planned",
			"the target was no longer as planned when the fix was about to start; nothing was changed"},
	} {
		b := brief.Of(tc.inc, links(), at(11, 16))
		if tc.line != "" && b.StatusLine != tc.line {
			t.Errorf("%s: status %q; want %q", name, b.StatusLine, tc.line)
		}
		if !strings.Contains(b.Outcome, tc.says) {
			t.Errorf("%s: outcome %q; want %q", name, b.Outcome, tc.says)
		}
		if !strings.Contains(b.Escalated, tc.escalated) {
			t.Errorf("%s: escalated because %q; want %q", name, b.Escalated, tc.escalated)
		}
	}
}

func TestCandidatesAreOfferedWhileSomebodyMayChoose(t *testing.T) {
	offered := links()
	offered.Approve, offered.Choose = "", "http://localhost:3000/approve-fix?t=CHOOSE"
	b := brief.Of(contested(t), offered, at(10, 6))
	if len(b.Candidates) != 2 || b.Candidates[0].PlanHash != rollback().Hash || b.Fix != nil || b.Links != offered {
		t.Errorf("%+v", b)
	}
	for name, inc := range map[string]incident.Incident{
		"escalated": decide(t, contested(t), incident.Escalate, "key:anna", ""),
		"chosen":    decide(t, contested(t), incident.Approve, "key:anna", "", rollback().Hash),
	} {
		if b := brief.Of(inc, offered, at(11, 1)); len(b.Candidates) > 0 || b.Links.Choose != "" || (b.Fix != nil) != (name == "chosen") {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

// What would be done is shown whole: no two actions that differ look alike.
func TestEveryActionIsShownWordForWord(t *testing.T) {
	show := func(action string) string {
		p := rollback()
		p.Actions = []string{action}
		for _, part := range brief.Of(askedAbout(t, p.Freeze(detected().Ref)), links(), at(10, 6)).Fix.Parts {
			if part.Label == "Does" {
				return string(part.Lines[0])
			}
		}
		return ""
	}
	if plain := strings.Repeat("a b", 682); show(plain) != plain {
		t.Error("a long action is cut")
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"a", "b", " ", "  ", "\n", "\u00a0", "\u202e", "\x1b[2J", "\"", `\n`, "é"})
		one := strings.Join(rapid.SliceOfN(text, 1, 6).Draw(t, "one"), "")
		two := strings.Join(rapid.SliceOfN(text, 1, 6).Draw(t, "two"), "")
		if a, b := show("x"+one+"x"), show("x"+two+"x"); one != two && a == b {
			t.Fatalf("%q and %q are both shown as %s", one, two, a)
		}
	})
}

// A change is shown as one also where the two values look alike.
func TestAChangeIsNeverHidden(t *testing.T) {
	rapid.Check(t, func(t2 *rapid.T) {
		value := rapid.SampledFrom([]string{"", "a", "a b", "a  b", "a\u200b", "a\n", strings.Repeat("x", 400), strings.Repeat("x", 401), "a -> b"})
		was, to := value.Draw(t2, "was"), value.Draw(t2, "to")
		p := rollback()
		p.Present, p.Wanted = incident.State{"image": was}, incident.State{"image": to}
		parts := brief.Of(askedAbout(t, p.Freeze(detected().Ref)), links(), at(10, 6)).Fix.Parts
		i := slices.IndexFunc(parts, func(p brief.Part) bool { return p.Label == "Changes" })
		if was == to {
			if i >= 0 {
				t2.Fatalf("a change is shown where there is none: %q", parts[i].Lines)
			}
			return
		}
		if i < 0 {
			t2.Fatalf("%q -> %q is not shown", was, to)
		}
		left, right, ok := strings.Cut(strings.TrimPrefix(string(parts[i].Lines[0]), "image: "), " -> ")
		if !ok || left == right {
			t2.Fatalf("%q -> %q is shown as %s", was, to, parts[i].Lines[0])
		}
	})
}

// The rights are under the hash, so whoever approves sees them.
func TestTheRightsOfAPlanAreShown(t *testing.T) {
	p := final(incident.Plan{FixID: "restart-service", Target: incident.Target{Service: "prod-api-01", Type: "ecs"}, Parameters: map[string]string{}, FixDigest: "d"}.
		With(incident.Draft{Actions: []string{"UpdateService"}, Rights: []string{"ecs:UpdateService on arn:aws:ecs:eu-central-1:1:service/blue/shop"}}, "e"))
	for _, part := range brief.Of(askedAbout(t, p), brief.Links{}, at(10, 6)).Fix.Parts {
		if part.Label == "Needs" && len(part.Lines) == 1 && strings.Contains(string(part.Lines[0]), "ecs:UpdateService on arn:aws:ecs:eu-central-1:1:service/blue/shop") {
			return
		}
	}
	t.Error("the rights are not shown")
}

func TestAPlanInAGroupSaysHowManyAtOnce(t *testing.T) {
	p := rollback()
	p.Terms = &incident.Terms{AtOnce: incident.AtOnce{Group: "web", Max: 1, Of: 3}}
	text := brief.Of(askedAbout(t, p.Freeze(detected().Ref)), links(), at(11, 0)).Text()
	if !strings.Contains(text, "at most 1 of 3 at once in the group web") {
		t.Errorf("people read\n%s", text)
	}
}

func TestACandidateShowsItsOwnCaution(t *testing.T) {
	p := rollback()
	const caution = "rollback-deployment did not help for good before"
	inc := asked(t, incident.Planning{Candidates: []incident.Plan{p}, ManualReason: "they disagree", Cautions: map[string]string{p.Hash: caution}})
	b := brief.Of(inc, links(), at(11, 0))
	if text := b.Text(); strings.Count(text, caution) != 1 {
		t.Errorf("people read\n%s", text)
	}
	c, err := inc.Vote(incident.Vote{Action: incident.Approve, By: "key:anna", PlanHash: p.Hash}, incident.Verdict{Allowed: true, Decides: true}, at(11, 1))
	if chosen := must(t, c, err); chosen.Caution != caution {
		t.Errorf("once it is chosen, the record's caution is %q", chosen.Caution)
	}
}
