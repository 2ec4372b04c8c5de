// Package inventory reads services.yaml: which services exist, who owns them,
// what a fix would act on, which fixes may ever be proposed, how to see whether
// they are well, and who may approve. Start reading at Service and Load.
//
// The file is trusted and deployed with the code; nothing from an alert, a log or
// a model gets into it. Load is therefore strict: a misspelt key must stop the
// deployment, not quietly widen what is allowed. The package is pure.
package inventory

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/rules"
)

// Service is one entry of services.yaml.
type Service struct {
	Name     string          // as alerts spell it in serverName
	Owner    string          // the team that looks after it
	Target   incident.Target // what a fix acts on
	Fixes    []string        // ids of the catalogue; nothing else is ever proposed
	Health   *Health         // nil: not probed
	Approval Approval
	Notify   []string // names of channels; empty: all of them
	Tracker  string   // name of a tracker; "": the first that is configured
	// DependsOn are the services that it needs: what is wrong with one of them explains
	// what is wrong with it.
	DependsOn []string
	Breaker   Breaker // what it leaves out is zero; see Inventory.BreakerOf
	Match     []Match // by which labels the alerts of sources are its own; see ServiceFor
	// Dependencies say what it is made of: where its vulnerabilities are looked for.
	Dependencies []Dependency
	Accepted     []Accepted // vulnerabilities that are known and lived with for a while
}

// Health is how to see from outside whether a service is well.
type Health struct {
	URL        string        // http, https, tcp, grpc or grpcs, without credentials
	MaxLatency time.Duration // slower is unhealthy; 0: the prober's default
	Body       string        // what an HTTP answer must hold; "": anything
	// How often in a row a check has to fail before it counts as unwell, and to succeed
	// before it counts as well again; 0: once.
	FailureThreshold, SuccessThreshold int
}

// Approval is who may decide on a service's fixes, and for how long.
type Approval struct {
	Quorum         int           // different people that must approve; at least 1
	Timeout        time.Duration // whole seconds; 0: the default setting
	Approvers      []string      // names of operator keys; empty: any operator
	TwoPersonFixes []string      // ids out of Fixes that need at least two people
}

// Inventory is a services.yaml that passed every check. It never changes.
type Inventory struct {
	services map[string]Service
	entries  map[integration.Kind][]integration.Entry
	matchers []matcher // the first that fits counts
	freezes  []Freeze
	rules    func() *rules.Book
	breaker  Breaker                    // of services that have none
	joined   map[string]string          // service -> the first, by name, of those that depends-on joins it with
	atOnce   map[string]incident.AtOnce // of services that are in a group
}

// Entries returns the integrations of a section, in the file's order.
func (inv *Inventory) Entries(kind integration.Kind) []integration.Entry {
	return slices.Clone(inv.entries[kind])
}

// Lookup finds a service by the name that alerts give. The answer is the
// caller's own copy.
func (inv *Inventory) Lookup(name string) (Service, bool) {
	s, ok := inv.services[name]
	if !ok {
		return Service{}, false
	}
	return s.clone(), true
}

// Services returns all services, sorted by name.
func (inv *Inventory) Services() []Service {
	all := make([]Service, 0, len(inv.services))
	for _, s := range inv.services {
		all = append(all, s.clone())
	}
	slices.SortFunc(all, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (s Service) clone() Service {
	s.Target.Attributes = maps.Clone(s.Target.Attributes)
	s.Fixes = slices.Clone(s.Fixes)
	s.Notify = slices.Clone(s.Notify)
	s.DependsOn = slices.Clone(s.DependsOn)
	s.Match = slices.Clone(s.Match)
	for i := range s.Match {
		s.Match[i] = maps.Clone(s.Match[i])
	}
	s.Dependencies = slices.Clone(s.Dependencies)
	s.Accepted = slices.Clone(s.Accepted)
	if s.Health != nil {
		h := *s.Health
		s.Health = &h
	}
	s.Approval.Approvers = slices.Clone(s.Approval.Approvers)
	s.Approval.TwoPersonFixes = slices.Clone(s.Approval.TwoPersonFixes)
	return s
}
