package inventory

import (
	"maps"
	"slices"
)

// Joined returns the name under which a service and all that dependsOn joins with it,
// directly or by way of others, are one: the first of their names. A service that is not
// listed is joined with none.
func (inv *Inventory) Joined(service string) string {
	if first, listed := inv.joined[service]; listed {
		return first
	}
	return service
}

// Root returns which of these services the most of the others depend on, directly or by
// way of others: what is wrong with it may explain what is wrong with them. Of several it
// is the first in the order given; "" if none depends on another.
func (inv *Inventory) Root(services []string) string {
	root, most := "", 0
	for _, candidate := range services {
		count := 0
		for _, other := range services {
			if other != candidate && inv.needs(other, candidate, map[string]bool{}) {
				count++
			}
		}
		if count > most {
			root, most = candidate, count
		}
	}
	return root
}

// needs reports whether one service depends on another.
func (inv *Inventory) needs(service, on string, seen map[string]bool) bool {
	if seen[service] {
		return false
	}
	seen[service] = true
	return slices.ContainsFunc(inv.services[service].DependsOn, func(next string) bool {
		return next == on || inv.needs(next, on, seen)
	})
}

// joinedBy finds what dependsOn joins.
func joinedBy(services map[string]Service) map[string]string {
	near := map[string][]string{}
	for name, s := range services {
		for _, other := range s.DependsOn {
			near[name], near[other] = append(near[name], other), append(near[other], name)
		}
	}
	joined := map[string]string{}
	var visit func(name, first string)
	visit = func(name, first string) {
		if _, done := joined[name]; done {
			return
		}
		joined[name] = first
		for _, other := range near[name] {
			visit(other, first)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		visit(name, name)
	}
	return joined
}
