package lockfile

import (
	"errors"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// tomlPackage is an entry of a lockfile in TOML.
type tomlPackage struct {
	Name     string `toml:"name"`
	Version  string `toml:"version"`
	Category string `toml:"category"` // poetry before 1.5
	Source   any    `toml:"source"`   // Cargo: text; the others: a table
}

func readTOML(data []byte) ([]tomlPackage, error) {
	var file struct {
		Packages []tomlPackage `toml:"package"`
	}
	err := toml.Unmarshal(data, &file)
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ := at.Position()
		return nil, badLine(line, "is not TOML: %s", strings.TrimPrefix(at.Error(), "toml: "))
	}
	if err == nil && len(file.Packages) == 0 {
		err = errors.New("it names no package")
	}
	return file.Packages, err
}

// readPython reads what poetry, uv and pdm write.
func readPython(data []byte, into *collector) error {
	all, err := readTOML(data)
	for _, p := range all {
		if p.Category == "dev" || isOwn(p.Source) {
			continue
		}
		into.add(PyPI, normalPython(p.Name), p.Version)
	}
	return err
}

// isOwn tells a package that was not taken from an index.
func isOwn(source any) bool {
	table, ok := source.(map[string]any)
	if !ok {
		return false
	}
	switch table["type"] { // poetry
	case "directory", "file", "git", "url":
		return true
	}
	for _, own := range []string{"editable", "virtual", "directory", "path", "git", "url"} { // uv
		if _, is := table[own]; is && table["type"] == nil {
			return true
		}
	}
	return false
}

// readCargo reads the crates that come from a registry. One without a source is the
// program's own.
func readCargo(data []byte, into *collector) error {
	all, err := readTOML(data)
	for _, p := range all {
		source, _ := p.Source.(string)
		switch {
		case strings.HasPrefix(source, "registry+"), strings.HasPrefix(source, "sparse+"):
			into.add(Cargo, p.Name, p.Version)
		case source != "":
			into.leftOut++ // of a repository
		}
	}
	return err
}

// normalPython is the name by PEP 503: small, and one hyphen for each run of - _ and dots.
func normalPython(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		if r == '-' || r == '_' || r == '.' {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(r)
	}
	return b.String()
}

// readRequirements reads the lines that pin a version: name==1.2.3. Others are counted.
func readRequirements(data []byte, into *collector) error {
	continued := false
	for n, line := range lines(data) {
		whole := line
		if cut := strings.Index(" "+line, " #"); cut >= 0 { // a comment begins at a space, or at the line's begin
			line = line[:max(0, cut-1)]
			if cut == 0 {
				line = ""
			}
		}
		text := strings.TrimSpace(line)
		rest := continued
		continued = strings.HasSuffix(text, `\`)
		if rest || text == "" || text[0] == '-' {
			if strings.HasPrefix(text, "-e") || strings.HasPrefix(text, "-r") || strings.HasPrefix(text, "--requirement") {
				into.leftOut++
			}
			continue
		}
		if strings.ContainsAny(text, "<{\x00") && !strings.ContainsAny(text, "=<>~! ;") {
			return badLine(n, "is %s, which is no requirement", shown(whole))
		}
		if !startsName(text) {
			return badLine(n, "is %s, which is no requirement", shown(whole))
		}
		into.addRequirement(text)
	}
	return nil
}

func startsName(text string) bool {
	c := text[0] | 0x20
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || text[0] == '.' || text[0] == '/' || text[0] == '$'
}

func (c *collector) addRequirement(text string) {
	text, _, _ = strings.Cut(text, ";")   // for which machines
	text, _, _ = strings.Cut(text, " --") // --hash and other options
	text = strings.TrimSuffix(strings.TrimSpace(text), `\`)
	name, version, pinned := strings.Cut(text, "==")
	name, _, _ = strings.Cut(name, "[") // extras
	version = strings.TrimSpace(strings.TrimPrefix(version, "="))
	if !pinned || strings.ContainsAny(version, "*, ") {
		c.leftOut++
		return
	}
	c.add(PyPI, normalPython(strings.TrimSpace(name)), version)
}
