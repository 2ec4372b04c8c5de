package lockfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// npmEntry is a package of package-lock.json, of any version of the file.
type npmEntry struct {
	Name         string          `json:"name"` // where it is not that of the folder
	Version      string          `json:"version"`
	Dev          bool            `json:"dev"`
	Link         bool            `json:"link"` // to a folder of the program itself
	Dependencies json.RawMessage `json:"dependencies"`
}

func readNPM(data []byte, into *collector) error {
	var file struct {
		Version      int                 `json:"lockfileVersion"`
		Packages     map[string]npmEntry `json:"packages"` // since the second version
		Dependencies json.RawMessage     `json:"dependencies"`
	}
	if err := unmarshal(data, &file); err != nil {
		return err
	}
	switch {
	case file.Version < 1 || file.Version > 3:
		return fmt.Errorf("its lockfileVersion is %d; 1, 2 and 3 are read", file.Version)
	case file.Version > 1 && file.Packages == nil:
		return errors.New("it has no packages")
	case file.Version > 1:
		for place, it := range file.Packages {
			into.addNPM(place, it)
		}
		return nil
	}
	return readNested(file.Dependencies, into, 0)
}

// addNPM takes an entry by its place, such as node_modules/a/node_modules/@b/c. An entry that
// is in no node_modules is the program's own.
func (c *collector) addNPM(place string, it npmEntry) {
	const folder = "node_modules/"
	at := strings.LastIndex(place, folder)
	if at < 0 || it.Link || it.Dev {
		return
	}
	name := place[at+len(folder):]
	if it.Name != "" {
		name = it.Name
	}
	c.add(NPM, name, it.Version)
}

// maxNested bounds how deep the first version of the file may nest.
const maxNested = 100

func readNested(raw json.RawMessage, into *collector, depth int) error {
	if len(raw) == 0 {
		return nil
	}
	var all map[string]npmEntry
	if depth > maxNested {
		return fmt.Errorf("its dependencies are nested more than %d deep", maxNested)
	}
	if err := unmarshal(raw, &all); err != nil {
		return err
	}
	for name, it := range all {
		version := it.Version
		if alias, ok := strings.CutPrefix(version, "npm:"); ok { // npm:other@1.2.3
			name, version = cutVersion(alias)
		}
		switch {
		case it.Dev, strings.HasPrefix(version, "file:"):
		case strings.Contains(version, ":"): // of a repository or an address: no version of npm's
			into.leftOut++
		default:
			into.add(NPM, name, version)
		}
		if err := readNested(it.Dependencies, into, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// cutVersion cuts name@version at the @ that is not of a scope.
func cutVersion(text string) (name, version string) {
	if at := strings.LastIndexByte(text, '@'); at > 0 {
		return text[:at], text[at+1:]
	}
	return text, ""
}

// readPNPM reads the keys below packages:. pnpm writes them at an indentation of two
// spaces: /name/1.2.3_peer, /name@1.2.3(peer@1) or name@1.2.3, by the version of the file.
func readPNPM(data []byte, into *collector) error {
	section, versioned := "", false
	var name, version string
	dev := false
	flush := func() {
		if name != "" && !dev {
			into.add(NPM, name, version)
		}
		name, version, dev = "", "", false
	}
	for n, line := range lines(data) {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		switch depth := indent(line); {
		case depth == 0:
			flush()
			key, _, ok := strings.Cut(text, ":")
			if !ok && text != "---" {
				return badLine(n, "is %s, which begins no section", shown(line))
			}
			section = key
			versioned = versioned || key == "lockfileVersion"
		case section == "packages" && depth == 2:
			flush()
			key, _, ok := strings.Cut(unquote(text), ": ")
			if !ok && !strings.HasSuffix(key, ":") {
				return badLine(n, "is %s, which names no package", shown(line))
			}
			name, version = pnpmKey(unquote(strings.TrimSuffix(key, ":")))
			if name == "" {
				into.leftOut++ // of a repository or an address
			}
		case section == "packages" && depth == 4:
			dev = dev || text == "dev: true"
			if own, ok := strings.CutPrefix(text, "version: "); ok && name != "" {
				version = unquote(own)
			}
		}
	}
	flush()
	if !versioned {
		return errors.New("it has no lockfileVersion")
	}
	return nil
}

// pnpmKey cuts a key; the name is "" if it is none of a package with a version.
func pnpmKey(key string) (name, version string) {
	key, _, _ = strings.Cut(key, "(")
	rest, rooted := strings.CutPrefix(key, "/")
	name, version = cutVersion(rest)
	if at := strings.LastIndexByte(rest, '/'); rooted && at > 0 { // the oldest form: /@scope/name/1.2.3_peer@4
		if own, _, _ := strings.Cut(rest[at+1:], "_"); isVersion(own) && !strings.Contains(own, "@") {
			name, version = rest[:at], own
		}
	}
	version, _, _ = strings.Cut(version, "_")
	if !isVersion(version) {
		return "", ""
	}
	return name, version
}

// isVersion tells a version from an address or a folder.
func isVersion(v string) bool {
	return v != "" && v[0] >= '0' && v[0] <= '9' && !strings.ContainsAny(v, ":/")
}

func unquote(s string) string { return strings.Trim(s, `'"`) }

// readYarn reads both forms: the first, and that of yarn 2 and later, which is YAML and
// says of each package by resolution what it is.
func readYarn(data []byte, into *collector) error {
	var b yarnBlock
	known := false
	for n, line := range lines(data) {
		text := strings.TrimSpace(line)
		switch {
		case text == "":
		case text[0] == '#':
			known = known || strings.Contains(text, "yarn lockfile") || strings.Contains(text, "generated by running \"yarn install\"")
		case indent(line) == 0:
			b.end(into)
			if !strings.HasSuffix(text, ":") {
				return badLine(n, "is %s, which begins no package", shown(line))
			}
			b = yarnBlock{header: strings.TrimSuffix(text, ":")}
			known = known || b.header == "__metadata"
		case indent(line) == 2:
			b.field(text)
		}
	}
	b.end(into)
	if !known && len(into.packages) == 0 {
		return errors.New("it names no package in the form of yarn")
	}
	return nil
}

type yarnBlock struct{ header, version, resolution string }

func (b *yarnBlock) field(text string) {
	key, value, _ := strings.Cut(text, " ")
	switch strings.TrimSuffix(key, ":") {
	case "version":
		b.version = unquote(value)
	case "resolution":
		b.resolution = unquote(value)
	}
}

func (b *yarnBlock) end(into *collector) {
	if b.header == "" || b.header == "__metadata" {
		return
	}
	first, _, _ := strings.Cut(b.header, ",")
	spec := unquote(first)
	if b.resolution != "" {
		spec = b.resolution
	}
	at := strings.IndexByte(spec[min(1, len(spec)):], '@') + 1 // not that of a scope
	if at <= 0 {
		into.leftOut++
		return
	}
	name, asked := spec[:at], spec[at+1:]
	switch {
	case strings.HasPrefix(asked, "workspace:"), strings.HasPrefix(asked, "link:"), strings.HasPrefix(asked, "file:"),
		strings.HasPrefix(asked, "portal:"):
		return // the program's own
	case strings.HasPrefix(asked, "npm:") && b.resolution == "": // an alias: name@npm:other@^1
		if other, _ := cutVersion(strings.TrimPrefix(asked, "npm:")); other != "" && !isVersion(strings.TrimLeft(other, "^~>=<")) {
			name = other
		}
	}
	into.add(NPM, name, b.version)
}
