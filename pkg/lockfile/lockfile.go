// Package lockfile reads which packages a program is made of, and in which versions: out
// of the lockfiles of package managers and out of software bills of materials (SBOMs).
// Start at Parse. The package is pure: it takes a file's name and bytes.
//
// What is not deployed is left out where the file says so: development and test
// dependencies, and the program's own packages. What has no exact version is counted
// and not guessed.
package lockfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Limits of one file.
const (
	// MaxFile is how many bytes are read of a file. The largest lockfiles of monorepos have
	// about 5 MB, SBOMs of whole images about 10 MB.
	MaxFile = 16 << 20
	// MaxPackages bounds what one file can name.
	MaxPackages = 50_000
)

// Package is one package in one version.
type Package struct {
	Ecosystem string // as OSV calls it: Go, npm, PyPI, crates.io, Maven, Debian:12
	Name      string // as that ecosystem spells it; Maven: group:artifact
	Version   string
}

// Compare orders packages by ecosystem, name and version, each as text.
func (p Package) Compare(other Package) int {
	return cmp.Or(cmp.Compare(p.Ecosystem, other.Ecosystem), cmp.Compare(p.Name, other.Name), cmp.Compare(p.Version, other.Version))
}

// PURL is the package URL, "" for an ecosystem that has none here.
func (p Package) PURL() string { return purlOf(p) }

// List is what a file names.
type List struct {
	Packages []Package // each once, sorted
	// LeftOut counts entries that may be deployed and cannot be asked about: they have no
	// exact version, or no known ecosystem.
	LeftOut int
}

// Error says which file is wrong, where and how.
type Error struct {
	File string
	Line int // 0: the file as a whole
	What string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What)
	}
	return e.File + ": " + e.What
}

// format is one kind of file.
type format struct {
	name  string // how errors and the docs call it
	bases []string
	// holds recognises the file by what it holds, where its name says nothing; nil: never.
	holds func(data []byte) bool
	read  func(data []byte, into *collector) error
}

func formats() []format {
	return []format{
		{"go.mod", []string{"go.mod"}, nil, readGoMod},
		{"go.sum", []string{"go.sum"}, nil, readGoSum},
		{"package-lock.json", []string{"package-lock.json", "npm-shrinkwrap.json"}, hasKey("lockfileVersion"), readNPM},
		{"pnpm-lock.yaml", []string{"pnpm-lock.yaml"}, nil, readPNPM},
		{"yarn.lock", []string{"yarn.lock"}, nil, readYarn},
		{"poetry.lock", []string{"poetry.lock"}, nil, readPython},
		{"uv.lock", []string{"uv.lock"}, nil, readPython},
		{"pdm.lock", []string{"pdm.lock"}, nil, readPython},
		{"requirements.txt", []string{"requirements.txt"}, nil, readRequirements},
		{"Cargo.lock", []string{"Cargo.lock"}, nil, readCargo},
		{"pom.xml", []string{"pom.xml"}, nil, readPOM},
		{"gradle.lockfile", []string{"gradle.lockfile", "buildscript-gradle.lockfile"}, nil, readGradle},
		{"mvn dependency:list", []string{"dependency-list.txt"}, hasText("files have been resolved:"), readMavenList},
		{"CycloneDX JSON", nil, hasKey("bomFormat"), readCycloneDX},
		{"SPDX JSON", nil, hasKey("spdxVersion", "SPDXID"), readSPDX},
		{"SPDX 3", nil, hasKey("@graph"), readSPDX3},
	}
}

// Formats are the names of what Parse reads.
func Formats() []string {
	var names []string
	for _, f := range formats() {
		if f.name != "SPDX 3" { // recognised to be refused
			names = append(names, f.name)
		}
	}
	return names
}

// Parse reads a file. Its name says what it is, else what it holds does: SBOMs have no
// usual names. The error is an *Error.
func Parse(file string, data []byte) (List, error) {
	if len(data) > MaxFile {
		return List{}, &Error{file, 0, fmt.Sprintf("is larger than %d MiB, which is the most that is read", MaxFile>>20)}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return List{}, &Error{file, 0, "is empty"}
	}
	f, known := formatOf(file, data)
	if !known {
		return List{}, &Error{file, 0, "is nothing that is read here; known: " + strings.Join(Formats(), ", ")}
	}
	into := &collector{}
	if err := f.read(data, into); err != nil {
		var at *lineError
		if errors.As(err, &at) {
			return List{}, &Error{file, at.line, at.what}
		}
		return List{}, &Error{file, 0, "is no " + f.name + ": " + err.Error()}
	}
	if len(into.packages) > MaxPackages {
		return List{}, &Error{file, 0, fmt.Sprintf("names more than %d packages", MaxPackages)}
	}
	slices.SortFunc(into.packages, Package.Compare)
	return List{slices.Compact(into.packages), into.leftOut}, nil
}

func formatOf(file string, data []byte) (format, bool) {
	base := path.Base(strings.ReplaceAll(file, `\`, "/"))
	for _, f := range formats() {
		if slices.Contains(f.bases, base) {
			return f, true
		}
	}
	for _, f := range formats() {
		if f.holds != nil && f.holds(data) {
			return f, true
		}
	}
	if strings.HasPrefix(base, "requirements") && strings.HasSuffix(base, ".txt") {
		return format{name: "requirements.txt", read: readRequirements}, true
	}
	return format{}, false
}

// hasKey looks for one of the JSON keys at the beginning of the file.
func hasKey(names ...string) func([]byte) bool {
	return func(data []byte) bool {
		head := bytes.TrimPrefix(bytes.TrimSpace(data[:min(len(data), 1<<16)]), []byte("\ufeff"))
		return bytes.HasPrefix(head, []byte("{")) && slices.ContainsFunc(names, func(name string) bool {
			return bytes.Contains(head, []byte(`"`+name+`"`))
		})
	}
}

func hasText(text string) func([]byte) bool {
	return func(data []byte) bool { return bytes.Contains(data[:min(len(data), 1<<16)], []byte(text)) }
}

// collector takes what a reader finds.
type collector struct {
	packages []Package
	leftOut  int
}

func (c *collector) add(ecosystem, name, version string) {
	if name == "" || version == "" || len(name) > maxWord || len(version) > maxWord || len(c.packages) > MaxPackages {
		c.leftOut++
		return
	}
	c.packages = append(c.packages, Package{ecosystem, name, version})
}

// maxWord bounds names and versions, in bytes: longer ones are nobody's.
const maxWord = 512

// lineError is what is wrong in one line.
type lineError struct {
	line int
	what string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.what) }

func badLine(line int, format string, args ...any) error {
	return &lineError{line, fmt.Sprintf(format, args...)}
}

// shown is a line as an error repeats it.
func shown(line string) string { return fmt.Sprintf("%q", line[:min(len(line), 80)]) }
