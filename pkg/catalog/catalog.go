// Package catalog holds the fixes that OpsGuard knows: what each does, which
// parameters it takes, how risky it is and how one sees that it worked. Start
// reading at Fix, then Propose and Build.
//
// It is the wall between what a model says and what can run: Propose turns a
// fix id and raw parameters into an incident.Proposal or refuses, Build binds a
// proposal to a target that services.yaml gave and freezes the plan. There are
// no free-text parameters, so nothing that a model or a log says can reach a
// command. The package is pure; the entries are data in the code, because
// changing one changes what people have approved (Fix.Digest).
package catalog

import "slices"

// Risk is how much a fix can hurt when it turns out wrong.
type Risk string

const (
	RiskLow    Risk = "low"    // nobody notices
	RiskMedium Risk = "medium" // some requests may fail meanwhile, or it costs money
	RiskHigh   Risk = "high"   // it changes what runs, or cannot be taken back
)

// Kind is the type of a parameter's value.
type Kind string

// KindInteger is a whole number between Min and Max. It is the only kind: a
// text parameter would let an alert's words into a fix.
const KindInteger Kind = "integer"

// Param is one parameter of a fix. Min and Max are both allowed values.
type Param struct {
	Name        string
	Kind        Kind
	Min         int
	Max         int
	Default     int
	Description string
}

// Fix is one entry. Sentence is what the plan is called when it is put to a
// human: {service} stands for the service's name, {p} for the value of the
// parameter p, and {p:one:many} for the value with the fitting word behind it.
type Fix struct {
	ID           string
	Title        string
	Sentence     string
	Description  string
	Risk         Risk
	Params       []Param
	Verification string
}

// All returns every fix, sorted by id. The caller may keep and change it.
func All() []Fix {
	fixes := entries()
	slices.SortFunc(fixes, func(a, b Fix) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return fixes
}

// IDs returns the id of every fix, sorted.
func IDs() []string {
	fixes := All()
	ids := make([]string, len(fixes))
	for i, f := range fixes {
		ids[i] = f.ID
	}
	return ids
}

// Lookup returns the fix of that id.
func Lookup(id string) (Fix, bool) {
	for _, f := range entries() {
		if f.ID == id {
			return f, true
		}
	}
	return Fix{}, false
}
