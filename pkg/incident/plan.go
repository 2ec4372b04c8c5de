package incident

import (
	"sort"
	"strings"
	"time"
)

// Proposal is what the analysis suggests: a fix of the catalogue and its
// parameters, in the catalogue's canonical text. It names no target.
type Proposal struct {
	FixID      string            `json:"fixId"`
	Parameters map[string]string `json:"parameters"`
}

// Target is what a fix acts on. It comes from services.yaml only.
type Target struct {
	Service    string            `json:"service"`
	Type       string            `json:"type"` // which executor: "simulated", later "ecs", ...
	Attributes map[string]string `json:"attributes,omitempty"`
	// Lock is the target's Key where not all attributes tell which thing it is; "": all do.
	Lock string `json:"lock,omitempty"`
}

// SimulatedTarget is the type of the one target on which fixes are only walked
// through.
const SimulatedTarget = "simulated"

// Key is the target's name in the lock that keeps two fixes apart. Two services
// that share one real target have the same attributes, or the same of those that name it
// (Lock), hence the same key; a target without attributes is known by its service.
func (t Target) Key() string {
	if t.Lock != "" {
		return t.Lock
	}
	if len(t.Attributes) == 0 {
		return t.Type + "/" + t.Service
	}
	keys := make([]string, 0, len(t.Attributes))
	for k := range t.Attributes {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	b.WriteString(t.Type)
	for _, k := range keys {
		b.WriteString("/" + k + "=" + strings.NewReplacer("\x00", "", "%", "%25", "/", "%2F", "=", "%3D", "#", "%23").Replace(t.Attributes[k]))
	}
	return b.String()
}

// Plan is a proposal bound to everything that decides what would happen: it is
// frozen when people are asked, and its Hash is what they approve.
type Plan struct {
	FixID      string            `json:"fixId"`
	Title      string            `json:"title"` // what a human reads; from the catalogue
	Risk       string            `json:"risk"`  // low, medium, high; from the catalogue
	Target     Target            `json:"target"`
	Parameters map[string]string `json:"parameters"`
	FixDigest  string            `json:"fixDigest"`       // of the catalogue's entry
	Terms      *Terms            `json:"terms,omitempty"` // nil: the plan was made before plans had any

	// What the executor said; see Draft. All of it is under the hash. A plan without an
	// ExecutorDigest was made before plans had any of it.
	Present        State    `json:"present,omitempty"`
	Wanted         State    `json:"wanted,omitempty"`
	Actions        []string `json:"actions,omitempty"`
	Undo           Undo     `json:"undo,omitzero"`
	LimitSeconds   int64    `json:"limitSeconds,omitempty"`
	Blast          Blast    `json:"blast,omitzero"`
	Rights         []string `json:"rights,omitempty"`
	ExecutorDigest string   `json:"executorDigest,omitempty"`

	Hash string `json:"hash"`
}

// Terms are what services.yaml says of the service around a fix. They are under the hash:
// where one changes between planning and claim, the plan is stale.
type Terms struct {
	Approval string `json:"approval"` // who must approve the fix, and how many
	Health   string `json:"health"`   // what tells whether the service is well; "": nothing
	AtOnce   AtOnce `json:"atOnce,omitzero"`
}

// under returns the plan as it would be under terms of a former kind: without any, where
// plans had none yet.
func (p Plan) under(former *Terms) Plan {
	if former == nil {
		p.Terms = nil
	}
	return p
}

// atOnce is the group in which the fix needs a place; the zero value for none.
func (p Plan) atOnce() AtOnce {
	if p.Terms == nil {
		return AtOnce{}
	}
	return p.Terms.AtOnce
}

// Limit is how long the fix may take until it must be verified.
func (p Plan) Limit() time.Duration {
	if p.LimitSeconds <= 0 {
		return DefaultFixLimit
	}
	return time.Duration(p.LimitSeconds) * time.Second
}

// Key is the idempotency key of the fix: the same for each call about it, and for no
// other fix. That of its undoing differs.
func (p Plan) Key(ref Ref, undo bool) string {
	what := "fix"
	if undo {
		what = "undo"
	}
	return sha256Hex(what + "\x00" + ref.Tenant + "\x00" + ref.ID + "\x00" + p.Hash)[:32]
}

// Simulated reports that the fix is only walked through: nothing is changed.
func (p Plan) Simulated() bool { return p.Target.Type == SimulatedTarget }

// HashFor computes the plan's hash for an incident: SHA-256, in hex, over
// canonical JSON of the incident, the resolved target, the digest of the
// catalogue's entry, the fix and its parameters, the terms, and over all that the executor
// said: present and wanted state, each action, the undoing, the limit, the rights.
// The digest covers title and risk, so what people read is bound too.
func (p Plan) HashFor(ref Ref) string {
	all := map[string]any{
		"tenant":     ref.Tenant,
		"incidentId": ref.ID,
		"target": map[string]any{
			"service":    p.Target.Service,
			"type":       p.Target.Type,
			"attributes": p.Target.Attributes,
		},
		"fixDigest":  p.FixDigest,
		"fixId":      p.FixID,
		"parameters": p.Parameters,
	}
	if t := p.Terms; t != nil {
		all["terms"] = map[string]any{"approval": t.Approval, "health": t.Health,
			"atOnce": map[string]any{"group": t.AtOnce.Group, "max": int64(t.AtOnce.Max), "of": int64(t.AtOnce.Of)}}
	}
	if p.ExecutorDigest != "" {
		all["executor"] = map[string]any{
			"digest": p.ExecutorDigest, "present": map[string]string(p.Present), "wanted": map[string]string(p.Wanted),
			"actions": p.Actions, "rights": p.Rights, "limitSeconds": p.LimitSeconds,
			"undo":  map[string]any{"actions": p.Undo.Actions, "wanted": map[string]string(p.Undo.Wanted), "not": p.Undo.Not},
			"blast": map[string]any{"affected": int64(p.Blast.Affected), "of": int64(p.Blast.Of), "unit": p.Blast.Unit},
		}
	}
	return sha256Hex(canonical(all))
}

// Freeze returns the plan with its hash for an incident.
func (p Plan) Freeze(ref Ref) Plan {
	p.Hash = p.HashFor(ref)
	return p
}

// Bare returns the plan without what its executor said: what the catalogue and
// services.yaml alone make of it.
func (p Plan) Bare() Plan {
	return Plan{FixID: p.FixID, Title: p.Title, Risk: p.Risk, Target: p.Target, Parameters: p.Parameters, FixDigest: p.FixDigest, Terms: p.Terms}
}

// Proposal is what the plan was made of.
func (p Plan) Proposal() Proposal { return Proposal{FixID: p.FixID, Parameters: p.Parameters} }
