package catalog

import (
	"maps"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Build binds a proposal to a target and freezes the plan for an incident. It
// trusts nothing that was checked before: the fix must be known and allowed
// today, the parameters complete, canonical and in range, else Invalid. Called
// again with the same values it returns the same plan, hash included, which is
// how execute-fix sees that an approved plan still means the same thing.
func Build(ref incident.Ref, allowed []string, target incident.Target, p incident.Proposal) (incident.Plan, error) {
	fix, err := pick(allowed, p.FixID)
	if err != nil {
		return incident.Plan{}, err
	}
	switch {
	case ref.Tenant == "" || ref.ID == "":
		return incident.Plan{}, incident.BadField("incidentId", "is empty; a plan belongs to one incident")
	case target.Service == "" || target.Type == "":
		return incident.Plan{}, incident.BadField("target", "has no service or no type; it must come from services.yaml")
	}
	if err := onlyKnown(fix, slices.Sorted(maps.Keys(p.Parameters))); err != nil {
		return incident.Plan{}, err
	}
	for _, param := range fix.Params {
		value, given := p.Parameters[param.Name]
		if !given {
			return incident.Plan{}, param.refuse("is missing")
		}
		if err := param.canonical(value); err != nil {
			return incident.Plan{}, err
		}
	}
	target.Attributes = maps.Clone(target.Attributes)
	params := maps.Clone(p.Parameters)
	if params == nil {
		params = map[string]string{}
	}
	return incident.Plan{
		FixID:      fix.ID,
		Title:      fix.sentence(target.Service, params),
		Risk:       string(fix.Risk),
		Target:     target,
		Parameters: params,
		FixDigest:  fix.Digest(),
	}.Freeze(ref), nil
}

// sentence fills in f.Sentence in one pass, so that a service whose name looks
// like a placeholder is not filled in again.
func (f Fix) sentence(service string, params map[string]string) string {
	var b strings.Builder
	rest := f.Sentence
	for {
		text, after, found := strings.Cut(rest, "{")
		b.WriteString(text)
		if !found {
			return b.String()
		}
		hole, tail, _ := strings.Cut(after, "}")
		b.WriteString(fill(hole, service, params))
		rest = tail
	}
}

func fill(hole, service string, params map[string]string) string {
	name, words, counted := strings.Cut(hole, ":")
	switch {
	case name == "service":
		return service
	case !counted:
		return params[name]
	}
	one, many, _ := strings.Cut(words, ":")
	if params[name] == "1" {
		return "1 " + one
	}
	return params[name] + " " + many
}
