package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxReadme bounds README.md, in lines: it is read by who has a minute.
const maxReadme = 150

func TestTheDocumentsNameOnlyWhatExists(t *testing.T) {
	repo := readRepository(t)
	if len(repo.documents) < 12 {
		t.Fatalf("found %d documents: something is wrong with the walk", len(repo.documents))
	}
	for _, v := range repo.check() {
		t.Error(v)
	}
}

// repository is all that the documents are held to.
type repository struct {
	documents map[string]string // Markdown, by its path from the root
	sources   []source
	makefile  string
	template  string
	scripts   string // those that read settings beside the Go code
	layers    []layer
	exists    func(path string) bool
}

func readRepository(t *testing.T) repository {
	t.Helper()
	repo := repository{documents: map[string]string{}, sources: readSources(t), layers: layers()}
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, path := range documentPaths(t) {
		repo.documents[path] = read(path)
	}
	repo.makefile, repo.template = read("Makefile"), read("template.yaml")
	repo.scripts = repo.makefile + read("infra/emulator/env.sh") + read("infra/emulator/up.sh")
	repo.exists = func(path string) bool {
		found, err := filepath.Glob(filepath.Join(tree, filepath.FromSlash(path)))
		return err == nil && len(found) > 0
	}
	return repo
}

// documentPaths are the Markdown files at the root, of docs and of infra.
func documentPaths(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, top := range []string{".", "docs", "infra"} {
		err := filepath.WalkDir(filepath.Join(tree, top), func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "node_modules" || top == "." && filepath.Clean(name) != filepath.Clean(tree)):
				return fs.SkipDir
			case d.IsDir() || filepath.Ext(name) != ".md":
				return nil
			}
			rel, err := filepath.Rel(tree, name)
			found = append(found, filepath.ToSlash(rel))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// TestABrokenDocumentIsReported shows that each check can fail.
func TestABrokenDocumentIsReported(t *testing.T) {
	sound := func() repository {
		return repository{
			documents: map[string]string{
				"README.md":       "# OpsGuard\n\nSee [the design](ARCHITECTURE.md#layers).\n\n    make run\n",
				"ARCHITECTURE.md": "# Architecture\n\n## Layers\n\n`pkg/steps` holds `steps.Analyze`.\n",
				"docs/api.md":     "# API\n\n| `chosen` | `unauthorized` |\n",
			},
			sources: []source{
				{"pkg/steps/analyze.go", "package steps\n\n// See ARCHITECTURE.md, Layers.\ntype Analyze struct{}\n"},
				{"pkg/incident/words.go", "package incident\n\nconst ReasonChosen Reason = \"chosen\"\n"},
				{"pkg/web/problem.go", "package web\n\nconst slugUnauthorized  = \"unauthorized\"\n"},
				{"infra/local/settings.go", "package local\n\ntype s struct {\n\tA string `env:\"OPSGUARD_ADDR\"`\n}\n\nconst p = \"OPSGUARD_SECRET_\"\n"},
				{"pkg/a/a_test.go", "package a\n\nfunc TestThis(t *testing.T) {}\n"},
			},
			makefile: "run: bin/opsguard ## serve\n", template: "  AlarmEmail: {Type: String}\n",
			layers: []layer{{prefix: "pkg/steps"}},
			exists: func(path string) bool {
				return slices.Contains([]string{"pkg/steps", "ARCHITECTURE.md", "README.md", "docs/api.md"}, path)
			},
		}
	}
	if bad := sound().check(); len(bad) > 0 {
		t.Errorf("a sound repository is refused: %q", bad)
	}
	for name, c := range map[string]struct{ document, add, want string }{
		"a link to nothing":             {"README.md", "[x](docs/gone.md)", "README.md links to docs/gone.md"},
		"a link to another folder":      {"docs/api.md", "[x](../gone.md)", "docs/api.md links to gone.md"},
		"a heading that is not there":   {"README.md", "[x](ARCHITECTURE.md#data)", "has no heading #data"},
		"an own heading":                {"docs/api.md", "[x](#data)", "has no heading #data"},
		"a target":                      {"README.md", "`make rnu`", "make rnu"},
		"a target in a block":           {"README.md", "\n    make rnu FOO=1\n", "make rnu"},
		"a path":                        {"README.md", "`pkg/gone.go`", "pkg/gone.go"},
		"a path in a command":           {"README.md", "`go test ./pkg/gone`", "pkg/gone"},
		"a setting":                     {"docs/api.md", "OPSGUARD_ADRR", "OPSGUARD_ADRR"},
		"a parameter of the stack":      {"docs/operating.md", "`AlarmMail`", "AlarmMail"},
		"an identifier":                 {"ARCHITECTURE.md", "`steps.Analyse`", "steps.Analyse"},
		"a test":                        {"ARCHITECTURE.md", "`TestThat`", "TestThat"},
		"a README for who has time":     {"README.md", strings.Repeat("\n", maxReadme), "README.md has"},
		"a section that code cites":     {"ARCHITECTURE.md", "-", "cites ARCHITECTURE.md, Layers"},
		"a reason that nobody explains": {"docs/api.md", "-", "docs/api.md does not explain chosen"},
		"a layer that is left out":      {"ARCHITECTURE.md", "-", "does not name the layer pkg/steps"},
	} {
		repo := sound()
		if c.add == "-" {
			repo.documents[c.document] = "# Empty\n"
		} else {
			repo.documents[c.document] += c.add
		}
		if got := strings.Join(repo.check(), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: reported %q, want %q", name, got, c.want)
		}
	}
	repo := sound()
	repo.sources = append(repo.sources, source{"pkg/b/b.go", "package b\n\n// As design " + "§4 says.\n"})
	if got := strings.Join(repo.check(), "\n"); !strings.Contains(got, "pkg/b/b.go cites a design") {
		t.Errorf("a citation that no reader can follow: reported %q", got)
	}
}
