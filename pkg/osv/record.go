// Package osv knows the Open Source Vulnerability format (ossf.github.io/osv-schema): which
// records speak of a package in a version, which of them are one vulnerability under
// several ids, how severe it is, and which version mends it. Start at Merge. The package is
// pure; pkg/scan asks for the records.
package osv

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/lockfile"
)

// Record is what counts here of a record of the format's version 1.
type Record struct {
	ID        string     `json:"id"`
	Modified  string     `json:"modified"`
	Withdrawn string     `json:"withdrawn,omitempty"`
	Aliases   []string   `json:"aliases,omitempty"`
	Upstream  []string   `json:"upstream,omitempty"`
	Summary   string     `json:"summary,omitempty"`
	Details   string     `json:"details,omitempty"`
	Severity  []Severity `json:"severity,omitempty"`
	Affected  []Affected `json:"affected,omitempty"`
	Database  Specific   `json:"database_specific,omitzero"`
}

// Severity is a score in one of the known ways.
type Severity struct {
	Type  string `json:"type"` // CVSS_V2, CVSS_V3, CVSS_V4, Ubuntu
	Score string `json:"score"`
}

// Affected are the versions of one package that a record speaks of.
type Affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Severity  []Severity `json:"severity,omitempty"`
	Ranges    []Range    `json:"ranges,omitempty"`
	Versions  []string   `json:"versions,omitempty"`
	Ecosystem Specific   `json:"ecosystem_specific,omitzero"`
	Database  Specific   `json:"database_specific,omitzero"`
}

// Range is a time line of versions.
type Range struct {
	Type   string  `json:"type"` // SEMVER, ECOSYSTEM, GIT
	Events []Event `json:"events"`
}

// Event is one change on the line; one of its fields is set.
type Event struct {
	Introduced   string `json:"introduced,omitempty"`
	Fixed        string `json:"fixed,omitempty"`
	LastAffected string `json:"last_affected,omitempty"`
	Limit        string `json:"limit,omitempty"`
}

// Specific is what a database says in its own way. Only the severity counts, where it is a
// word.
type Specific struct{ Severity string }

// UnmarshalJSON implements json.Unmarshaler. What has another form says nothing.
func (s *Specific) UnmarshalJSON(data []byte) error {
	var it struct {
		Severity json.RawMessage `json:"severity"`
	}
	if json.Unmarshal(data, &it) == nil {
		_ = json.Unmarshal(it.Severity, &s.Severity)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (s Specific) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Severity string `json:"severity,omitempty"`
	}{s.Severity})
}

// names tells whether a part of a record is about a package. A record may name an ecosystem
// with or without its release.
func (a Affected) names(p lockfile.Package) bool {
	ecosystem, _, _ := strings.Cut(p.Ecosystem, ":")
	return a.Package.Name == p.Name && (a.Package.Ecosystem == p.Ecosystem || a.Package.Ecosystem == ecosystem)
}

// Affects evaluates a record as the format's specification says. Ranges of commits, and of
// versions whose order is not known here, say nothing; the list of versions then does.
func (r Record) Affects(p lockfile.Package) bool {
	return r.Withdrawn == "" && slices.ContainsFunc(r.Affected, func(a Affected) bool {
		return a.names(p) && (slices.Contains(a.Versions, p.Version) ||
			slices.ContainsFunc(a.Ranges, func(in Range) bool { return in.holds(p) }))
	})
}

// holds tells whether the version lies in the range.
func (in Range) holds(p lockfile.Package) bool {
	order, ok := in.order(p.Ecosystem)
	if !ok || !in.beforeLimits(order, p.Version) {
		return false
	}
	vulnerable := false
	for _, e := range in.sorted(order) {
		switch {
		case e.Introduced != "" && (e.Introduced == "0" || order(p.Version, e.Introduced) >= 0):
			vulnerable = true
		case e.Fixed != "" && order(p.Version, e.Fixed) >= 0, e.LastAffected != "" && order(p.Version, e.LastAffected) > 0:
			vulnerable = false
		}
	}
	return vulnerable
}

func (in Range) beforeLimits(order order, version string) bool {
	limited := false
	for _, e := range in.Events {
		if e.Limit == "*" || e.Limit != "" && order(version, e.Limit) < 0 {
			return true
		}
		limited = limited || e.Limit != ""
	}
	return !limited
}

func (in Range) sorted(order order) []Event {
	events := slices.Clone(in.Events)
	slices.SortStableFunc(events, func(a, b Event) int {
		x, y := a.version(), b.version()
		switch {
		case x == y:
			return 0
		case x == "0" && a.Introduced != "":
			return -1
		case y == "0" && b.Introduced != "":
			return 1
		}
		return order(x, y)
	})
	return events
}

func (e Event) version() string { return e.Introduced + e.Fixed + e.LastAffected + e.Limit }
