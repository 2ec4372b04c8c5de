package redact

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sourceFiles returns the syntax of the package without its tests, by file name.
func sourceFiles(t testing.TB) map[string]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			if files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(files) == 0 {
		t.Fatal("found no source")
	}
	return files
}

// sourceLiterals returns every string and character of the source, so every rule's own prefix, name and scheme; and apart
// from them the words of the long lists.
func sourceLiterals(t testing.TB) (literals, words []string) {
	t.Helper()
	short, listed := map[string]bool{}, map[string]bool{}
	for _, f := range sourceFiles(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING && lit.Kind != token.CHAR {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) <= 64 {
				short[text] = true
				return true
			}
			for word := range strings.FieldsSeq(text) {
				listed[word] = true
			}
			return true
		})
	}
	delete(short, "")
	return slices.Sorted(maps.Keys(short)), slices.Sorted(maps.Keys(listed))
}

func TestGrownUnitsHoldEveryRule(t *testing.T) {
	units := grownUnits(t)
	for _, sep := range separators {
		for _, r := range tokenRules {
			if _, ok := slices.BinarySearch(units, r.prefix+sep); !ok {
				t.Errorf("the prefix %q is not tried with %q", r.prefix, sep)
			}
		}
		for _, r := range nameRules {
			if _, ok := slices.BinarySearch(units, r.text+sep); !ok {
				t.Errorf("the name %q is not tried with %q", r.text, sep)
			}
		}
	}
}

// bounded are the functions that read without counting, each with why what it reads has a fixed bound, or who counts it.
var bounded = map[string]string{
	"Total": "no text", "wordSet": "the package's own lists", "squeeze": "a name", "kindOfName": "a name", "equalFold": "a name",
	"nameBefore": "a name, counted by its callers", "wordBefore": "a name", "placeholderLen": "a placeholder", "ordinary": "a count of tests", "edge": "three bytes",
	"skipBlanks": "64 bytes", "closes": "8 bytes", "beginsField": "a name", "encodedPair": "a run that it has counted, and two bytes",
	"masked": "longestInnocent", "short": "longestInnocent", "code": "longestInnocent", "prose": "longestWord",
	"reference": "longestInnocent, or the password of a URL, in which no other URL begins",
	"bareEnd":   "counted by its method", "headerEnd": "counted by its method", "skipBreaks": "counted by cutBody",
	"run":   "counted by its method",
	"ruled": "the rules, and a run that it has counted", "jwtAt": "four parts, counted", "discordAt": "32 bytes",
	"mayBegin": "64 bytes, counted", "classOf": "the package's own lists",
	"wrappedRest": "lines that it has counted", "entraAt": "three bytes", "atlasAt": "14 bytes", "nextLine": "a line that it has counted",
	"belongs":       "longestLine, counted by nextLine",
	"authorization": "a scheme", "bareAuth": "a run that it has counted",
}

// TestWhatReadsIsCounted keeps the step counts honest: a new loop or search either counts or says what bounds it.
func TestWhatReadsIsCounted(t *testing.T) {
	seen := map[string]bool{}
	for name, f := range sourceFiles(t) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !reads(fn) || counts(fn) {
				continue
			}
			seen[fn.Name.Name] = true
			if bounded[fn.Name.Name] == "" {
				t.Errorf("%s: %s reads text and adds nothing to steps", name, fn.Name.Name)
			}
		}
	}
	for name := range bounded {
		if !seen[name] {
			t.Errorf("%s counts or does not read: take it off the list", name)
		}
	}
}

// reads tells whether fn has a loop, a search of the standard library, or a run of a class.
func reads(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			found = true
		case *ast.SelectorExpr:
			on, _ := n.X.(*ast.Ident)
			switch name := n.Sel.Name; {
			case on != nil && on.Name == "strings":
				found = found || !slices.Contains([]string{"Builder", "HasPrefix", "HasSuffix", "CutPrefix", "CutSuffix", "TrimPrefix"}, name)
			case name == "run":
				found = found || on == nil || on.Name != "s"
			case name == "DecodeString":
				found = true
			}
		}
		return true
	})
	return found
}

func counts(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == "steps"
		return true
	})
	return found
}
