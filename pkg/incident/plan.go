package incident

import (
	"sort"
	"strings"
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
}

// SimulatedTarget is the type of the one target on which fixes are only walked
// through.
const SimulatedTarget = "simulated"

// Key is the target's name in the lock that keeps two fixes apart. Two services
// that share one real target have the same attributes, hence the same key; a
// target without attributes is known by its service.
func (t Target) Key() string {
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
		b.WriteString("/" + k + "=" + strings.NewReplacer("%", "%25", "/", "%2F", "=", "%3D", "#", "%23").Replace(t.Attributes[k]))
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
	FixDigest  string            `json:"fixDigest"` // of the catalogue's entry
	Hash       string            `json:"hash"`
}

// Simulated reports that the fix is only walked through: nothing is changed.
func (p Plan) Simulated() bool { return p.Target.Type == SimulatedTarget }

// HashFor computes the plan's hash for an incident: SHA-256, in hex, over
// canonical JSON of the incident, the resolved target, the digest of the
// catalogue's entry, the fix and its parameters. The digest covers title and
// risk, so what people read is bound too.
func (p Plan) HashFor(ref Ref) string {
	return sha256Hex(canonical(map[string]any{
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
	}))
}

// Freeze returns the plan with its hash for an incident.
func (p Plan) Freeze(ref Ref) Plan {
	p.Hash = p.HashFor(ref)
	return p
}
