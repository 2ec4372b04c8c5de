package inventory

import (
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Dependency is a file that says what a service is made of: a lockfile, or a software bill
// of materials. One of Path, URL and Image is set.
type Dependency struct {
	Path  string // on the machine that OpsGuard runs on; relative: to its working directory
	URL   string
	Image string // REGISTRY/REPOSITORY:TAG or @DIGEST, whose registry keeps an SBOM of it
	As    string // what the file would be called, such as poetry.lock, where its address does not say so
}

// Where is the path, the address or the image.
func (d Dependency) Where() string { return d.Path + d.URL + d.Image }

// File is the name by which the file's format is known.
func (d Dependency) File() string {
	switch {
	case d.As != "":
		return d.As
	case d.URL != "":
		address, _, _ := strings.Cut(d.URL, "?")
		return path.Base(address)
	}
	return d.Path
}

// ImageParts cuts Image into its registry, its repository, and the tag or digest.
func (d Dependency) ImageParts() (registry, repository, reference string) {
	registry, rest, _ := strings.Cut(d.Image, "/")
	if at := strings.Index(rest, "@sha256:"); at >= 0 {
		repository, _, _ = strings.Cut(rest[:at], ":") // a tag beside the digest
		return registry, repository, rest[at+1:]
	}
	if at := strings.LastIndexAny(rest, ":@"); at >= 0 {
		return registry, rest[:at], rest[at+1:]
	}
	return registry, rest, ""
}

// LastDay is the day that an acceptance ends with, whose Until is given.
func LastDay(until time.Time) string { return until.Add(-time.Second).Format(time.DateOnly) }

// Accepted is a vulnerability that the team knows and lives with for a while.
type Accepted struct {
	ID     string // CVE-2024-1234, or any other id that it has
	Reason string
	Until  time.Time // from here on it counts again
}

// AcceptedBy returns what accepts one of the ids, true, and whether that still holds. If
// several do, the one that holds longest counts.
func (s Service) AcceptedBy(ids []string, now time.Time) (by Accepted, found, holds bool) {
	for _, a := range s.Accepted {
		if slices.Contains(ids, a.ID) && (!found || a.Until.After(by.Until)) {
			by, found = a, true
		}
	}
	return by, found, found && now.Before(by.Until)
}

// Limits of the section.
const (
	maxDependencies = 50
	maxReason       = 500 // characters
)

// dependencies reads a list such as
//
//	dependencies: [{path: package-lock.json}, {url: "https://..."}, {image: registry.example.com/shop/api:1.4}]
func (r *reader) dependencies(f field) (all []Dependency) {
	if !r.is(f.node, yaml.SequenceNode, f.path, "a list") {
		return nil
	}
	if len(f.node.Content) > maxDependencies {
		r.at(f.node, f.path, "has %d entries; at most %d", len(f.node.Content), maxDependencies)
		return nil
	}
	for i, child := range f.node.Content {
		at := item(f.path, i)
		fields, ok := r.known(child, at, "path", "url", "image", "as")
		if !ok {
			continue
		}
		var d Dependency
		given := 0
		for _, one := range []struct {
			name string
			into *string
			bad  func(string) string
		}{{"path", &d.Path, badPath}, {"url", &d.URL, badURL}, {"image", &d.Image, badImage}, {"as", &d.As, badAs}} {
			it, found := fields[one.name]
			if !found {
				continue
			}
			text, ok := r.text(it.node, it.path)
			if why := one.bad(text); ok && why != "" {
				r.at(it.node, it.path, "%s", why)
			}
			*one.into = text
			if one.name != "as" {
				given++
			}
		}
		if given != 1 {
			r.at(child, at, "must have one of path, url and image")
			continue
		}
		if slices.Contains(all, d) {
			r.at(child, at, "stands twice in the list")
		}
		all = append(all, d)
	}
	return all
}

func badPath(text string) string {
	switch {
	case text == "" || len(text) > maxURL:
		return "must be the path of a file"
	case strings.ContainsAny(text, "\x00\n"):
		return "holds a character that no path has"
	}
	return ""
}

func badAs(text string) string {
	if !isMadeOf(text, 128, "._-") {
		return "must be the name of a file, such as poetry.lock"
	}
	return ""
}

// badImage holds an image to its whole name. A registry is not guessed, nor is a tag.
func badImage(text string) string {
	registry, name, version := Dependency{Image: text}.ImageParts()
	version = strings.TrimPrefix(version, "sha256:")
	host, _, _ := strings.Cut(registry, ":")
	if !strings.ContainsAny(registry, ".:") && registry != "localhost" || !isMadeOf(host, 255, ".-") || !isMadeOf(registry, 255, ".-:") ||
		!isMadeOf(name, 255, "._-/") || name != strings.ToLower(name) || strings.Contains(name, "..") || !isMadeOf(version, 128, "._-") {
		return "must be the whole name of an image: REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST"
	}
	return ""
}

// accepted reads a list such as
//
//	acceptedVulnerabilities: [{id: CVE-2024-1234, reason: the parser is never called, until: 2026-12-31}]
func (r *reader) accepted(f field) (all []Accepted) {
	if !r.is(f.node, yaml.SequenceNode, f.path, "a list") {
		return nil
	}
	for i, child := range f.node.Content {
		at := item(f.path, i)
		fields, ok := r.known(child, at, "id", "reason", "until")
		if !ok {
			continue
		}
		var a Accepted
		for _, name := range []string{"id", "reason", "until"} {
			it, found := fields[name]
			if !found {
				r.at(child, at, "has no %s; accepting needs an id, a reason, and a date until when", name)
				continue
			}
			switch name {
			case "id":
				a.ID, ok = r.text(it.node, it.path)
				if ok && (!isMadeOf(a.ID, 128, "-_.:") || !strings.Contains(a.ID, "-")) {
					r.at(it.node, it.path, "is %s; give an id such as CVE-2024-1234 or GHSA-xxxx-xxxx-xxxx", quote(a.ID))
				}
			case "reason":
				a.Reason, ok = r.text(it.node, it.path)
				if ok && (strings.TrimSpace(a.Reason) == "" || len(a.Reason) > maxReason) {
					r.at(it.node, it.path, "must say in 1 to %d characters why", maxReason)
				}
			case "until":
				a.Until = r.date(it)
			}
		}
		all = append(all, a)
	}
	return all
}

// date reads a day. It counts until its end, in UTC.
func (r *reader) date(f field) time.Time {
	if !r.is(f.node, yaml.ScalarNode, f.path, "a date such as 2026-12-31") {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, f.node.Value)
	if err != nil {
		r.at(f.node, f.path, "is %s; give a date such as 2026-12-31", quote(f.node.Value))
		return time.Time{}
	}
	return day.AddDate(0, 0, 1)
}
