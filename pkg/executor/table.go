package executor

import (
	"cmp"
	"slices"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/integration"
)

// Fix is a fix of the catalogue and what executors do for it.
type Fix struct {
	catalog.Fix
	On []On // sorted by the target's type; empty: nothing can apply it
}

// On is a fix on one type of target.
type On struct {
	Type string
	integration.Ability
}

// Table returns every fix of the catalogue, sorted by id, with what these executors say
// of it. `opsguard fixes` and the documents are made of it.
func Table(executors []integration.Type) []Fix {
	var table []Fix
	for _, fix := range catalog.All() {
		row := Fix{Fix: fix}
		for _, e := range executors {
			if ability, able := e.Able(fix.ID); able {
				row.On = append(row.On, On{e.Name, ability})
			}
		}
		slices.SortFunc(row.On, func(a, b On) int { return cmp.Compare(a.Type, b.Type) })
		table = append(table, row)
	}
	return table
}
