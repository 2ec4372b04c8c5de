package osv

import (
	"cmp"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/lockfile"
)

// Vulnerability is one vulnerability of something: all records that speak of it.
type Vulnerability struct {
	ID      string   // the canonical one: a CVE if it has one
	Aliases []string // its other ids, sorted
	Rating  Rating
	Summary string
	Hits    []Hit // sorted by package
}

// Hit is a package that has the vulnerability.
type Hit struct {
	Package lockfile.Package
	FixedIn string // the lowest version that mends it; "" if none is known
}

// IDs are all ids, the canonical one first.
func (v Vulnerability) IDs() []string { return append([]string{v.ID}, v.Aliases...) }

// CVE is its CVE id; "" if it has none.
func (v Vulnerability) CVE() string {
	for _, id := range v.IDs() {
		if strings.HasPrefix(id, "CVE-") {
			return id
		}
	}
	return ""
}

// Found is a record that was found for a package.
type Found struct {
	Package lockfile.Package
	Record  Record
}

// Merge makes one vulnerability of all records that are linked by aliases. Records that
// were withdrawn are left out. The result is sorted, the worst first.
func Merge(found []Found) []Vulnerability {
	groups := newGroups()
	for _, f := range found {
		if f.Record.Withdrawn != "" || f.Record.ID == "" {
			continue
		}
		groups.join(f.Record.ID, f.Record.sameAs())
	}
	members := map[string][]Found{}
	for _, f := range found {
		if root, ok := groups.root(f.Record.ID); ok && f.Record.Withdrawn == "" {
			members[root] = append(members[root], f)
		}
	}
	var all []Vulnerability
	for root, of := range members {
		all = append(all, one(groups.ids(root), of))
	}
	slices.SortFunc(all, func(a, b Vulnerability) int {
		return cmp.Or(cmp.Compare(rank(b.Rating.Word), rank(a.Rating.Word)), cmp.Compare(b.Rating.Score, a.Rating.Score), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// sameAs are the other ids of the same vulnerability. A distribution's record names the one
// that it is about as upstream; one that names several is a notice about all of them.
func (r Record) sameAs() []string {
	if len(r.Upstream) == 1 {
		return append(slices.Clone(r.Aliases), r.Upstream[0])
	}
	return r.Aliases
}

func one(ids []string, of []Found) Vulnerability {
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(preference(a), preference(b)), cmp.Compare(a, b)) })
	v := Vulnerability{ID: ids[0], Aliases: slices.Sorted(slices.Values(ids[1:]))}
	var records []Record
	slices.SortStableFunc(of, func(a, b Found) int {
		return cmp.Or(cmp.Compare(preference(a.Record.ID), preference(b.Record.ID)), cmp.Compare(a.Record.ID, b.Record.ID))
	})
	for _, f := range of {
		records = append(records, f.Record)
		v.Summary = cmp.Or(v.Summary, f.Record.Summary)
		at := slices.IndexFunc(v.Hits, func(h Hit) bool { return h.Package == f.Package })
		if at < 0 {
			v.Hits = append(v.Hits, Hit{Package: f.Package})
			at = len(v.Hits) - 1
		}
		v.Hits[at].FixedIn = later(f.Package.Ecosystem, v.Hits[at].FixedIn, f.Record.fixedIn(f.Package))
	}
	slices.SortFunc(v.Hits, func(a, b Hit) int {
		return cmp.Compare(a.Package.Name+"\x00"+a.Package.Version, b.Package.Name+"\x00"+b.Package.Version)
	})
	v.Rating = rate(records)
	if v.Summary == "" && len(of) > 0 {
		v.Summary = firstLine(of[0].Record.Details)
	}
	return v
}

// preference orders ids by how many people know them.
func preference(id string) int {
	for n, prefix := range []string{"CVE-", "GHSA-", "GO-", "PYSEC-", "RUSTSEC-"} {
		if strings.HasPrefix(id, prefix) {
			return n
		}
	}
	return 9
}

func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.Trim(strings.TrimSpace(line), "# "); line != "" {
			return line
		}
	}
	return ""
}

// groups joins ids that are linked, directly or through others.
type groups struct{ up map[string]string }

func newGroups() groups { return groups{map[string]string{}} }

func (g groups) root(id string) (string, bool) {
	up, ok := g.up[id]
	if !ok {
		return "", false
	}
	for up != id {
		id, up = up, g.up[up]
	}
	return id, true
}

func (g groups) join(id string, others []string) {
	for _, one := range append([]string{id}, others...) {
		if one == "" {
			continue
		}
		if _, ok := g.up[one]; !ok {
			g.up[one] = one
		}
		a, _ := g.root(id)
		b, _ := g.root(one)
		g.up[b] = a
	}
}

func (g groups) ids(root string) (ids []string) {
	for id := range g.up {
		if r, _ := g.root(id); r == root {
			ids = append(ids, id)
		}
	}
	return ids
}
