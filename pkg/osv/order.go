package osv

import (
	"strings"

	"deps.dev/util/semver"

	"github.com/opsguard/opsguard/pkg/lockfile"
)

// order compares two versions.
type order func(a, b string) int

// order is by which the versions of a range stand in a line; false where it is not known.
func (in Range) order(ecosystem string) (order, bool) {
	switch in.Type {
	case "SEMVER":
		return func(a, b string) int { return semver.DefaultSystem.Compare(plain(a), plain(b)) }, true
	case "ECOSYSTEM":
		return orderOf(ecosystem)
	}
	return nil, false
}

func plain(v string) string { return strings.TrimPrefix(v, "v") }

func orderOf(ecosystem string) (order, bool) {
	switch ecosystem {
	case lockfile.Go, "Hex", "Pub":
		return func(a, b string) int { return semver.DefaultSystem.Compare(plain(a), plain(b)) }, true
	case lockfile.NPM:
		return semver.NPM.Compare, true
	case lockfile.PyPI:
		return semver.PyPI.Compare, true
	case lockfile.Cargo:
		return semver.Cargo.Compare, true
	case lockfile.Maven:
		return semver.Maven.Compare, true
	case "RubyGems":
		return semver.RubyGems.Compare, true
	case "NuGet":
		return semver.NuGet.Compare, true
	case "Packagist":
		return semver.Composer.Compare, true
	}
	return nil, false // Debian, Alpine: their records list the versions
}

// fixedIn is the lowest version that mends the record's trouble in the package and comes
// after the one that is there; "" if none is known.
func (r Record) fixedIn(p lockfile.Package) string {
	var fixes []string
	for _, a := range r.Affected {
		if !a.names(p) {
			continue
		}
		for _, in := range a.Ranges {
			if in.Type == "GIT" {
				continue
			}
			for _, e := range in.Events {
				if e.Fixed != "" {
					fixes = append(fixes, e.Fixed)
				}
			}
		}
	}
	compare, ok := orderOf(p.Ecosystem)
	if !ok {
		if len(fixes) == 1 {
			return fixes[0]
		}
		return ""
	}
	lowest := ""
	for _, fix := range fixes {
		if compare(fix, p.Version) > 0 && (lowest == "" || compare(fix, lowest) < 0) {
			lowest = fix
		}
	}
	return lowest
}

// later is the higher of two versions that each mend a part.
func later(ecosystem, a, b string) string {
	compare, ok := orderOf(ecosystem)
	if a == "" || ok && b != "" && compare(b, a) > 0 {
		return b
	}
	return a
}
