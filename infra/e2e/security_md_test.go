package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// root is the repository's, seen from this package.
const root = "../.."

// testsInTree collects the tests and fuzz targets of all packages, and the names
// in the black-box suite's table as Suite/NAME.
func testsInTree(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				found[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range suiteNames(t) {
		found["Suite/"+name] = true
	}
	return found
}

// suiteNames reads the first field of every row of Suite's table.
func suiteNames(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "suite.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		suite, ok := decl.(*ast.FuncDecl)
		if !ok || suite.Name.Name != "Suite" {
			continue
		}
		ast.Inspect(suite, func(n ast.Node) bool {
			row, ok := n.(*ast.CompositeLit)
			if !ok || len(row.Elts) != 2 {
				return true
			}
			name, isText := row.Elts[0].(*ast.BasicLit)
			_, isFunc := row.Elts[1].(*ast.Ident)
			if isText && isFunc {
				text, err := strconv.Unquote(name.Value)
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, text)
			}
			return true
		})
	}
	return names
}

var testName = regexp.MustCompile(`\b(?:Test|Fuzz|Suite/)[A-Z][A-Za-z0-9]*`)

// TestSecurityMdNamesOnlyTestsThatExist also holds that every promise and every
// row about an attacker names at least one.
func TestSecurityMdNamesOnlyTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := testsInTree(t)
	names := testName.FindAllString(string(text), -1)
	if len(names) < 50 {
		t.Errorf("SECURITY.md names %d tests", len(names))
	}
	for _, name := range names {
		if !found[name] {
			t.Errorf("SECURITY.md names %s, which is not in the tree", name)
		}
	}
	promises, attackers, section := 0, 0, ""
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(heading)
		}
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| |") || strings.HasPrefix(line, "| who |") {
			continue
		}
		switch {
		case strings.HasPrefix(section, "Who, "):
			attackers++
		case strings.HasPrefix(section, "The promises"):
			promises++
			if !strings.HasPrefix(line, "| "+strconv.Itoa(promises)+" |") {
				t.Errorf("promise %d is out of place: %.60s", promises, line)
			}
		default:
			continue
		}
		if !testName.MatchString(line) {
			t.Errorf("%s: a row without a test: %.80s", section, line)
		}
	}
	if promises != 10 || attackers < 10 {
		t.Errorf("%d promises, %d attackers", promises, attackers)
	}
}
