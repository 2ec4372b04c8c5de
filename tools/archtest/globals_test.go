package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// declarations collects package variables, and reports those that are made to
// change: without a first value, or of a kind that only serves by changing.
func (c *sourceCheck) declarations(f parsedFile) {
	names := c.globals[path.Dir(f.path)]
	if names == nil {
		names = map[string]token.Pos{}
		c.globals[path.Dir(f.path)] = names
	}
	for _, d := range f.tree.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR {
			continue
		}
		for _, spec := range group.Specs {
			v, _ := spec.(*ast.ValueSpec)
			embedded := strings.Contains(commentText(group.Doc)+commentText(v.Doc), "//go:embed")
			for i, name := range v.Names {
				if name.Name == "_" {
					continue
				}
				names[name.Name] = name.Pos()
				switch {
				case embedded:
				case len(v.Values) == 0:
					c.report(name.Pos(), "package variable %s has no value yet, so something sets it; pass it in", name.Name)
				case i < len(v.Values) && changes(v.Values[i]):
					c.report(name.Pos(), "package variable %s holds state; put it in a value that is constructed", name.Name)
				}
			}
		}
	}
}

func commentText(group *ast.CommentGroup) string {
	if group == nil {
		return ""
	}
	var b strings.Builder
	for _, comment := range group.List {
		b.WriteString(comment.Text + "\n")
	}
	return b.String()
}

// changes reports whether a first value is one that is of use only if it changes
// later: a channel or a container that is made empty, a pointer to a struct, a
// lock or a counter. Tables, errors and compiled patterns are not.
func changes(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.CallExpr:
		called, ok := v.Fun.(*ast.Ident)
		return ok && (called.Name == "make" || called.Name == "new")
	case *ast.UnaryExpr:
		return v.Op == token.AND
	case *ast.CompositeLit:
		if from, ok := v.Type.(*ast.SelectorExpr); ok {
			pkg, _ := from.X.(*ast.Ident)
			return pkg != nil && (pkg.Name == "sync" || pkg.Name == "atomic")
		}
		_, table := v.Type.(*ast.MapType)
		return table && len(v.Elts) == 0
	}
	return false
}

// assignments reports what sets a package variable, or an element of one. It
// goes by names: a function that has a local of the same name is left alone.
func (c *sourceCheck) assignments(f parsedFile) {
	globals := c.globals[path.Dir(f.path)]
	for _, d := range f.tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		locals := localsOf(fn)
		check := func(target ast.Expr) {
			if name := root(target); name != nil && globals[name.Name] != token.NoPos && !slices.Contains(locals, name.Name) {
				c.report(target.Pos(), "sets the package variable %s", name.Name)
			}
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, target := range n.Lhs {
					check(target)
				}
			case *ast.IncDecStmt:
				check(n.X)
			case *ast.UnaryExpr:
				if _, element := n.X.(*ast.IndexExpr); n.Op == token.AND && !element { // a pointer into a table only saves a copy
					check(n.X)
				}
			case *ast.CallExpr:
				if called, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && (called.Name == "delete" || called.Name == "clear") {
					check(n.Args[0])
				}
			}
			return true
		})
	}
}

// root is the variable at the bottom of x, x.y, x[i] and *x.
func root(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	}
	return nil
}

// localsOf names everything that a function declares anywhere in it.
func localsOf(fn *ast.FuncDecl) []string {
	var names []string
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			names = append(names, id.Name)
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			add(n.Names...)
		case *ast.ValueSpec:
			add(n.Names...)
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				if id, ok := target.(*ast.Ident); ok && n.Tok == token.DEFINE {
					add(id)
				}
			}
		case *ast.RangeStmt:
			for _, target := range []ast.Expr{n.Key, n.Value} {
				if id, ok := target.(*ast.Ident); ok && n.Tok == token.DEFINE {
					add(id)
				}
			}
		}
		return true
	})
	return names
}

// TestABrokenHabitIsReported shows that the check can fail, and for what.
func TestABrokenHabitIsReported(t *testing.T) {
	for _, c := range []struct{ name, path, text, want string }{
		{"a sleep", "pkg/web/x.go", "import \"time\"\nfunc f() { time.Sleep(1) }", "sleeps"},
		{"a sleep in a test", "pkg/web/x_test.go", "import \"time\"\nfunc f() { time.Sleep(1) }", "sleeps"},
		{"a sleep by the test's clock", "pkg/web/x_test.go", "import (\n\"testing/synctest\"\n\"time\"\n)\nfunc f() { time.Sleep(1) }\nvar _ = synctest.Wait", ""},
		{"a sleeping name", "pkg/web/x.go", "func f() { bed.Sleep(1) }", ""},
		{"a token in web", "pkg/web/x.go", "func f() { t.Reveal() }", "reveals a task token"},
		{"a token handed on as a method", "pkg/steps/x.go", "func f() { g(t.Reveal) }", "reveals a task token"},
		{"a token in a package that only sounds like the store", "infra/local/bolted/x.go", "func f() { t.Reveal() }", "reveals a task token"},
		{"a token in the store", "infra/local/bolt/x.go", "func f() { t.Reveal() }", ""},
		{"a token in a test", "pkg/web/x_test.go", "func f() { t.Reveal() }", ""},
		{"a token in the contract tests", "pkg/steps/stepstest/x.go", "func f() { t.Reveal() }", ""},
		{"a panic passed on", "pkg/web/x.go", "func f() { defer func() { if p := recover(); p == abort { panic(p) } }() }", ""},
		{"a panic beside another's recover", "pkg/web/x.go", "func g() { recover() }\nfunc f() { panic(1) }", "panics"},
		{"net/http's way to end a connection", "pkg/web/x.go", "func f() { panic(http.ErrAbortHandler) }", ""},
		{"a panic", "pkg/web/x.go", "func f() { panic(1) }", "panics"},
		{"an init", "pkg/web/x.go", "func init() {}", "init function"},
		{"a method called init", "pkg/web/x.go", "func (t) init() {}", ""},
		{"a variable to be set", "pkg/web/x.go", "var cache map[string]int", "no value yet"},
		{"an embedded file", "pkg/web/x.go", "//go:embed page.html\nvar page []byte", ""},
		{"an empty map", "pkg/web/x.go", "var cache = map[string]int{}", "holds state"},
		{"a made map", "pkg/web/x.go", "var cache = make(map[string]int)", "holds state"},
		{"a lock", "pkg/web/x.go", "var mu = sync.Mutex{}", "holds state"},
		{"a client", "pkg/web/x.go", "var client = &http.Client{}", "holds state"},
		{"a table", "pkg/web/x.go", "var kinds = map[string]int{\"a\": 1}\nfunc f() int { return kinds[\"a\"] }", ""},
		{"an error", "pkg/web/x.go", "var errGone = errors.New(\"gone\")", ""},
		{"a table that is written", "pkg/web/x.go", "var kinds = map[string]int{\"a\": 1}\nfunc f() { kinds[\"b\"] = 2 }", "sets the package variable kinds"},
		{"a counter", "pkg/web/x.go", "var n = 0\nfunc f() { n++ }", "sets the package variable n"},
		{"an address", "pkg/web/x.go", "var n = 0\nfunc f() { g(&n) }", "sets the package variable n"},
		{"an element's address", "pkg/web/x.go", "var n = [2]int{}\nfunc f() { g(&n[1]) }", ""},
		{"an entry taken out", "pkg/web/x.go", "var kinds = map[string]int{\"a\": 1}\nfunc f() { delete(kinds, \"a\") }", "sets the package variable kinds"},
		{"a local of the same name", "pkg/web/x.go", "var n = 0\nfunc f() { n := 1; n++ }", ""},
		{"a short main", "functions/analyze/main.go", "func main() {}", ""},
		{"a long main", "functions/analyze/main.go", "func main() {\n" + strings.Repeat("\tf()\n", 40) + "}", "only wires"},
		{"a second file", "functions/analyze/helper.go", "func f() {}", "main.go and nothing else"},
		{"a file beside the folders", "functions/main.go", "func main() {}", "main.go and nothing else"},
		{"not Go", "pkg/web/x.go", "func {", "expected"},
	} {
		got := strings.Join(checkSources([]source{{c.path, "package x\n" + c.text + "\n"}}), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: reported %q, want %q", c.name, got, c.want)
		}
	}
	two := []source{{"pkg/web/a.go", "package x\nvar n = 0\n"}, {"pkg/web/b.go", "package x\nfunc f() { n = 1 }\n"}}
	if got := strings.Join(checkSources(two), "\n"); !strings.Contains(got, "b.go:2: sets the package variable n") {
		t.Errorf("a variable set from another file: reported %q", got)
	}
}
