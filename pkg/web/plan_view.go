package web

import (
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// planView is a plan as callers see it. What the executor said is null in a plan that was
// made before executors said anything.
type planView struct {
	FixID      string            `json:"fixId"`
	Title      string            `json:"title"`
	Risk       string            `json:"risk"`
	Target     targetView        `json:"target"`
	Parameters map[string]string `json:"parameters"`

	Present        map[string]string `json:"present"` // what was there when the plan was made, as far as it matters
	Wanted         map[string]string `json:"wanted"`  // what is to be different afterwards
	Actions        []string          `json:"actions"`
	Undo           *undoPlanView     `json:"undo"`
	LimitSeconds   *int64            `json:"limitSeconds"` // until it must be verified
	Blast          *blastView        `json:"blast"`
	Rights         []string          `json:"rights"` // what the fix needs, one each
	ExecutorDigest *string           `json:"executorDigest"`

	Approval *string     `json:"approval"` // who must approve it, and how many; null in a plan of before it was bound
	Health   *string     `json:"health"`   // what tells whether the service is well
	AtOnce   *atOnceView `json:"atOnce"`   // null: the service is in no group

	Hash string `json:"hash"`
}

type atOnceView struct {
	Group string `json:"group"`
	Max   int    `json:"max"`
	Of    int    `json:"of"`
}

type targetView struct {
	Service    string         `json:"service"`
	Type       string         `json:"type"`
	Attributes map[string]any `json:"attributes"`
}

type undoPlanView struct {
	Actions []string          `json:"actions"`
	Wanted  map[string]string `json:"wanted"`
	Not     *string           `json:"not"` // why it cannot be undone
}

type blastView struct {
	Affected int    `json:"affected"`
	Of       int    `json:"of"`
	Unit     string `json:"unit"`
}

func viewPlan(p *incident.Plan) *planView {
	if p == nil {
		return nil
	}
	v := &planView{FixID: p.FixID, Title: p.Title, Risk: p.Risk, Parameters: object(p.Parameters), Hash: p.Hash,
		Target: targetView{p.Target.Service, p.Target.Type, structured(p.Target.Attributes)}}
	if t := p.Terms; t != nil {
		v.Approval, v.Health = orNull(t.Approval), orNull(t.Health)
		if t.AtOnce.Max > 0 {
			v.AtOnce = &atOnceView{t.AtOnce.Group, t.AtOnce.Max, t.AtOnce.Of}
		}
	}
	if p.ExecutorDigest == "" {
		return v
	}
	limit, digest := p.LimitSeconds, p.ExecutorDigest
	v.Present, v.Wanted, v.Actions = object(p.Present), object(p.Wanted), list(p.Actions)
	v.Undo = &undoPlanView{list(p.Undo.Actions), object(p.Undo.Wanted), orNull(p.Undo.Not)}
	v.LimitSeconds, v.ExecutorDigest, v.Rights = &limit, &digest, list(p.Rights)
	if p.Blast.Of > 0 {
		v.Blast = &blastView{p.Blast.Affected, p.Blast.Of, p.Blast.Unit}
	}
	return v
}

func viewCandidates(inc incident.Incident) []planView {
	views := []planView{}
	for _, c := range inc.Candidates {
		views = append(views, *viewPlan(&c))
	}
	return views
}

type attemptView struct {
	Outcome    *string    `json:"outcome"` // null while it runs
	Verified   bool       `json:"verified"`
	Steps      []stepView `json:"steps"`
	StartedAt  string     `json:"startedAt"`
	ActedAt    *string    `json:"actedAt"` // when the target had taken it; until finishedAt it settles
	FinishedAt *string    `json:"finishedAt"`
	Undo       *undoView  `json:"undo"` // null: nobody began to undo it
	// Lasted: the trouble stayed away as long as the fix was watched; null while it is, and
	// where there was nothing to watch.
	Lasted       *bool   `json:"lasted"`
	WatchedUntil *string `json:"watchedUntil"`
	Again        *string `json:"again"` // the incident with which the trouble was back
}

type undoView struct {
	Outcome    *string    `json:"outcome"` // null while it is under way
	StartedAt  string     `json:"startedAt"`
	FinishedAt *string    `json:"finishedAt"`
	Steps      []stepView `json:"steps"`
}

type stepView struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	At     string `json:"at"`
}

func viewAttempt(a *incident.Attempt) *attemptView {
	if a == nil {
		return nil
	}
	v := &attemptView{Outcome: orNull(string(a.Outcome)), Verified: a.Verified, Steps: viewSteps(a.Steps),
		StartedAt: incident.FormatTime(a.StartedAt), ActedAt: timeOrNull(a.ActedAt), FinishedAt: timeOrNull(a.FinishedAt),
		WatchedUntil: timeOrNull(a.WatchedUntil), Again: orNull(a.Again)}
	if u := a.Undoing; u != nil {
		v.Undo = &undoView{orNull(string(u.Outcome)), incident.FormatTime(u.StartedAt), timeOrNull(u.FinishedAt), viewSteps(u.Steps)}
	}
	return v
}

func viewSteps(steps []incident.FixStep) []stepView {
	views := []stepView{}
	for _, s := range steps {
		views = append(views, stepView{s.Name, s.Status, s.Detail, incident.FormatTime(s.At)})
	}
	return views
}

// structured shows attributes as they stand in services.yaml.
func structured(attributes map[string]string) map[string]any {
	shown := map[string]any{}
	for name, text := range attributes {
		shown[name] = integration.Unpack(text).Structure()
	}
	return shown
}
