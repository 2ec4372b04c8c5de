package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// maxGroups bounds the groups of services.
const maxGroups = 100

// groups reads the section of that name, and returns of each service in one how many of
// its group may be fixed at once.
//
//	groups:
//	  web: {services: [web-1, web-2, web-3], atOnce: 1}
func (r *reader) groups(f field, services map[string]Service) map[string]incident.AtOnce {
	all, _ := r.fields(f.node, f.path)
	if len(all) > maxGroups {
		r.at(f.node, f.path, "has %d groups; at most %d", len(all), maxGroups)
		return nil
	}
	atOnce := map[string]incident.AtOnce{}
	for _, g := range all {
		if why := badName(g.name); why != "" {
			r.at(g.key, g.path, "the group's name %s", why)
		}
		r.group(g, services, atOnce)
	}
	return atOnce
}

func (r *reader) group(g field, services map[string]Service, atOnce map[string]incident.AtOnce) {
	fields, ok := r.known(g.node, g.path, "services", "atOnce")
	if !ok {
		return
	}
	list, listed := fields["services"]
	most, limited := fields["atOnce"]
	if !listed {
		r.at(g.key, g.path, "has no services; list those of which only so many may be fixed at once")
	}
	if !limited {
		r.at(g.key, g.path, "has no atOnce; say how many of its services may be fixed at once")
	}
	if !listed || !limited {
		return
	}
	names := r.texts(list.node, list.path, func(name string) string {
		if _, known := services[name]; !known {
			return "is not listed under services"
		}
		if other, taken := atOnce[name]; taken {
			return fmt.Sprintf("is in the group %s already; a service is in one group", quote(other.Group))
		}
		return ""
	})
	n, ok := r.integer(most.node, most.path, 1, maxList)
	if len(list.node.Content) != len(names) || !ok {
		return // it was told
	}
	of := r.targets(g, names, services)
	if n >= of {
		r.at(most.node, most.path, "is %d, and the group has %d targets: it limits nothing; give less", n, of)
	}
	for _, name := range names {
		atOnce[name] = incident.AtOnce{Group: g.name, Max: n, Of: of}
	}
}

// targets counts what a group's services name: two services that name the same target are
// one. It refuses a service outside that names one of them: it would not be counted.
func (r *reader) targets(g field, names []string, services map[string]Service) int {
	named := map[string]string{}
	for _, name := range names {
		named[services[name].Target.Key()] = name
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if member := named[services[name].Target.Key()]; member != "" && !slices.Contains(names, name) {
			r.at(g.key, g.path, "leaves out %s, which names the same target as %s and would not be counted", quote(name), quote(member))
		}
	}
	return len(named)
}

// TermsOf are the terms of a fix of a service, as this file has them.
func (inv *Inventory) TermsOf(s Service, fixID string) *incident.Terms {
	approvers := strings.Join(slices.Sorted(slices.Values(s.Approval.Approvers)), ", ")
	t := incident.Terms{Approval: fmt.Sprintf("%d of %s", s.NeededFor(fixID), cmp.Or(approvers, "any operator")), AtOnce: inv.atOnce[s.Name]}
	if s.Health != nil {
		t.Health = s.Health.URL
		if s.Health.MaxLatency > 0 {
			t.Health += " within " + s.Health.MaxLatency.String()
		}
		if s.Health.Body != "" {
			t.Health += fmt.Sprintf(" with %q", s.Health.Body)
		}
	}
	return &t
}

// twoPeople is how many must approve a fix that is listed in twoPersonFixes.
const twoPeople = 2

// NeededFor is how many different people must approve a fix of the service.
func (s Service) NeededFor(fixID string) int {
	needed := max(1, s.Approval.Quorum)
	if slices.Contains(s.Approval.TwoPersonFixes, fixID) {
		needed = max(twoPeople, needed)
	}
	return needed
}
