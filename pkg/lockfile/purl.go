package lockfile

import (
	"net/url"
	"strings"
)

// purlType is one type of package URL and what OSV calls its ecosystem.
type purlType struct {
	purl, ecosystem string
	join            string // what stands between namespace and name
}

// purlTypes are those whose packages OSV knows by name, by the package-url project's
// list of types.
func purlTypes() []purlType {
	return []purlType{
		{"golang", Go, "/"}, {"npm", NPM, "/"}, {"pypi", PyPI, "/"}, {"cargo", Cargo, "/"}, {"maven", Maven, ":"},
		{"gem", "RubyGems", "/"}, {"nuget", "NuGet", "/"}, {"composer", "Packagist", "/"}, {"hex", "Hex", "/"}, {"pub", "Pub", "/"},
	}
}

// The ecosystems of lockfiles, as OSV calls them.
const (
	Go    = "Go"
	NPM   = "npm"
	PyPI  = "PyPI"
	Cargo = "crates.io"
	Maven = "Maven"
)

func purlOf(p Package) string {
	for _, t := range purlTypes() {
		if t.ecosystem != p.Ecosystem {
			continue
		}
		name := p.Name
		if t.join == ":" {
			name = strings.Replace(name, ":", "/", 1)
		}
		parts := strings.Split(name, "/")
		for i := range parts {
			parts[i] = escape(parts[i])
		}
		version := p.Version
		if p.Ecosystem == Go {
			version = "v" + version
		}
		return "pkg:" + t.purl + "/" + strings.Join(parts, "/") + "@" + escape(version)
	}
	return ""
}

// escape leaves what a package URL leaves, and escapes the @ of npm's scopes.
func escape(s string) string { return strings.ReplaceAll(url.PathEscape(s), "@", "%40") }

// parsePURL reads a package URL: pkg:type/namespace/name@version?qualifiers#subpath. It is
// false for one without a version, and for one of a type that is not known here.
func parsePURL(text string) (Package, bool) {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok {
		return Package{}, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	kind, rest, ok := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	at := strings.LastIndexByte(rest, '@')
	if !ok || at <= 0 {
		return Package{}, false
	}
	version, err := url.PathUnescape(rest[at+1:])
	name, err2 := url.PathUnescape(strings.Trim(rest[:at], "/"))
	if err != nil || err2 != nil || name == "" || version == "" {
		return Package{}, false
	}
	kind = strings.ToLower(kind)
	for _, t := range purlTypes() {
		if t.purl == kind {
			return known(t, name, version), true
		}
	}
	qualifiers, err := url.ParseQuery(query)
	if err != nil {
		return Package{}, false
	}
	return ofDistribution(kind, name, version, qualifiers)
}

func known(t purlType, name, version string) Package {
	switch t.ecosystem {
	case Go:
		version = strings.TrimPrefix(version, "v")
	case PyPI:
		name = normalPython(name)
	}
	if last := strings.LastIndexByte(name, '/'); t.join == ":" && last >= 0 {
		name = name[:last] + ":" + name[last+1:]
	}
	return Package{t.ecosystem, name, version}
}

// ofDistribution reads what SBOMs say of a package of Debian or Alpine. OSV knows it by its
// source, which stands in the qualifier upstream, and by the release, which stands in distro.
func ofDistribution(kind, name, version string, qualifiers url.Values) (Package, bool) {
	vendor, name, ok := strings.Cut(name, "/")
	release := strings.TrimPrefix(qualifiers.Get("distro"), vendor+"-")
	if !ok || release == "" || release == qualifiers.Get("distro") {
		return Package{}, false
	}
	if source, _, _ := strings.Cut(qualifiers.Get("upstream"), "@"); source != "" {
		name = source
	}
	if epoch := qualifiers.Get("epoch"); epoch != "" && !strings.Contains(version, ":") {
		version = epoch + ":" + version
	}
	major, minor, _ := strings.Cut(release, ".")
	switch {
	case kind == "deb" && vendor == "debian":
		return Package{"Debian:" + major, name, version}, true
	case kind == "apk" && vendor == "alpine" && minor != "":
		minor, _, _ = strings.Cut(minor, ".")
		return Package{"Alpine:v" + major + "." + minor, name, version}, true
	}
	return Package{}, false
}
