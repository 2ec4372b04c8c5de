package sample

import (
	"github.com/opsguard/opsguard/pkg/incident"
)

// drafted is a plan for a real target, whose facts and actions hold a text.
func drafted(p incident.Plan, text string, undo incident.Undo) incident.Plan {
	p.Target = incident.Target{Service: p.Target.Service, Type: "kubernetes", Attributes: map[string]string{"deployment": "api", "namespace": "shop"}}
	p = p.With(incident.Draft{
		Actions: []string{"patch deployments.apps/api: " + text},
		Present: incident.State{"revision": "42", "image": text + ":42", "replicas": "3"},
		Wanted:  incident.State{"revision": "43", "image": text + ":41"},
		Undo:    undo,
		Blast:   incident.Blast{Affected: 1, Of: 3, Unit: "pods"},
	}, "e1")
	p.Hash = "7c1be2a9d5f0aaaabbbbccccddddeeeeffff00001111222233334444555566667777"[:64]
	return p
}

func undo(text string) incident.Undo {
	return incident.Undo{Actions: []string{"patch it back to " + text + ":42"}, Wanted: incident.State{"image": text + ":42"}}
}

const image = "registry.test/api"

// Real has a fix of a real target that waits for a person.
func Real() incident.Incident {
	inc := Waiting()
	plan := drafted(*inc.Plan, image, undo(image))
	inc.Plan = &plan
	return inc
}

// Settling has a fix that the target has taken.
func Settling() incident.Incident {
	inc := Real()
	acted := At(11, 1)
	inc.Status, inc.Decision = incident.ExecutingFix, Approved().Decision
	inc.Attempt = &incident.Attempt{StartedAt: At(11, 1), ActedAt: &acted, Held: true, Until: At(11, 16)}
	return inc
}

// Undone is escalated after a fix that did not help and was undone.
func Undone() incident.Incident {
	inc := Settling()
	failed, end := At(11, 11), At(11, 13)
	inc.Status, inc.EscalationReason = incident.Escalated, incident.ReasonFixUnverified
	inc.Attempt = &incident.Attempt{StartedAt: At(11, 1), ActedAt: &failed, FinishedAt: &failed, Outcome: incident.Applied,
		Steps: []incident.FixStep{{Name: "pods", Status: "failed", Detail: "0 of 3 are ready"}},
		Undoing: &incident.Undoing{StartedAt: failed, ActedAt: &failed, FinishedAt: &end, Outcome: incident.Undone,
			Steps: []incident.FixStep{{Name: "pods", Status: "ok", Detail: "3 of 3 are ready"}}}}
	inc.Ticket = TimedOut().Ticket
	return inc
}

// Contested is a manual review with candidates.
func Contested() incident.Incident {
	inc := Review()
	restart := *Waiting().Plan
	restart.Hash = "90e0db5fb5f4aaaabbbbccccddddeeeeffff00001111222233334444555566667777"[:64]
	inc.Candidates = []incident.Plan{drafted(restart, image, undo(image)), restart}
	inc.Analysis.ManualReason = "The rules and the model disagree about the fix."
	return inc
}

// HostileReal is HostileWaiting with a plan that repeats the text wherever an executor can.
func HostileReal(text string) incident.Incident {
	inc := HostileWaiting(text)
	plan := drafted(*inc.Plan, text, undo(text))
	inc.Plan = &plan
	return inc
}

// HostileContested is HostileReview with candidates that repeat the text, as many as
// there can be.
func HostileContested(text string) incident.Incident {
	inc := HostileReview(text)
	p := *HostileWaiting(text).Plan
	inc.Candidates = []incident.Plan{drafted(p, text, undo(text)), drafted(p, text, incident.Undo{Not: text}), p}
	return inc
}
