package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// revealers are the packages that may see a task token's text: those that store
// it or hand it to the workflow. Tests may, to look for it where it must not be.
func revealers() []string {
	return []string{"pkg/dynamo", "infra/local/bolt", "pkg/stepfn", "infra/local/engine"}
}

// maxMain bounds a function's main.go, in lines: it only wires.
const maxMain = 40

// source is one Go file, by its path from the root with slashes.
type source struct{ path, text string }

func TestSourcesKeepTheHabits(t *testing.T) {
	files := readSources(t)
	if len(files) < 100 {
		t.Fatalf("found %d Go files: something is wrong with the walk", len(files))
	}
	for _, v := range checkSources(files) {
		t.Error(v)
	}
}

// readSources reads every Go file but those of tools and dependencies.
func readSources(t *testing.T) []source {
	t.Helper()
	var files []source
	err := filepath.WalkDir(tree, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != tree && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		name, err = filepath.Rel(tree, name)
		files = append(files, source{filepath.ToSlash(name), string(text)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// checkSources returns a sentence for every habit that a file breaks.
func checkSources(files []source) []string {
	c := &sourceCheck{fset: token.NewFileSet(), globals: map[string]map[string]token.Pos{}}
	var parsed []parsedFile
	for _, f := range files {
		tree, err := parser.ParseFile(c.fset, f.path, f.text, parser.ParseComments)
		if err != nil {
			c.bad = append(c.bad, err.Error())
			continue
		}
		one := parsedFile{f, tree}
		parsed = append(parsed, one)
		c.calls(one)
		if !one.isTest() {
			c.declarations(one)
			c.function(one)
		}
	}
	for _, one := range parsed { // when every package's globals are known
		if !one.isTest() {
			c.assignments(one)
		}
	}
	slices.Sort(c.bad)
	return c.bad
}

type parsedFile struct {
	source
	tree *ast.File
}

// isTest includes the suites that tests of several packages share. No program
// links those, which the layers hold.
func (f parsedFile) isTest() bool {
	return strings.HasSuffix(f.path, "_test.go") || within(f.path, "pkg/steps/stepstest", "infra/e2e")
}

func (f parsedFile) imports(wanted string) bool {
	return slices.ContainsFunc(f.tree.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"`+wanted+`"` })
}

type sourceCheck struct {
	fset    *token.FileSet
	globals map[string]map[string]token.Pos // by folder, then name
	bad     []string
}

func (c *sourceCheck) report(at token.Pos, format string, args ...any) {
	where := c.fset.Position(at)
	c.bad = append(c.bad, fmt.Sprintf("%s:%d: %s", where.Filename, where.Line, fmt.Sprintf(format, args...)))
}

// calls looks for what must not be called, or not here.
func (c *sourceCheck) calls(f parsedFile) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			from, _ := n.X.(*ast.Ident)
			switch {
			case n.Sel.Name == "Sleep" && from != nil && from.Name == "time" && !f.imports("testing/synctest"):
				c.report(n.Pos(), "sleeps; wait on the event or move the clock (testing/synctest)")
			case n.Sel.Name == "Reveal" && !f.isTest() && !within(path.Dir(f.path), revealers()...):
				c.report(n.Pos(), "reveals a task token; only %s may", strings.Join(revealers(), ", "))
			}
		case *ast.FuncDecl:
			if panics := called(n, "panic"); len(panics) > 0 && len(called(n, "recover")) == 0 && !f.isTest() {
				c.report(panics[0], "panics; return an error") // what was recovered may be passed on
			}
			if n.Recv == nil && n.Name.Name == "init" {
				c.report(n.Pos(), "has an init function; construct it where it is needed")
			}
		}
		return true
	})
}

// called finds the calls of a built-in function.
func called(within ast.Node, name string) []token.Pos {
	var found []token.Pos
	ast.Inspect(within, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == name && !aborts(call) {
				found = append(found, call.Pos())
			}
		}
		return true
	})
	return found
}

// aborts reports whether a call is panic(http.ErrAbortHandler): net/http's own way
// for a handler to end a connection without an answer.
func aborts(call *ast.CallExpr) bool {
	if len(call.Args) != 1 {
		return false
	}
	what, ok := call.Args[0].(*ast.SelectorExpr)
	return ok && what.Sel.Name == "ErrAbortHandler"
}

// function holds functions/<step> to one short main.go.
func (c *sourceCheck) function(f parsedFile) {
	dir, name := path.Split(f.path)
	if !within(f.path, "functions") {
		return
	}
	if name != "main.go" || strings.Count(dir, "/") != 2 {
		c.report(f.tree.Pos(), "functions/<step> holds main.go and nothing else")
	}
	if lines := strings.Count(f.text, "\n"); lines >= maxMain {
		c.report(f.tree.Pos(), "has %d lines; a function's main only wires, in fewer than %d", lines, maxMain)
	}
}
