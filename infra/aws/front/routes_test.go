package front

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/web"
)

const root = "../../.."

// event is one path that API Gateway hands to a function.
type event struct {
	folder string // of functions/
	path   string
}

// templateEvents reads the paths of the HTTP functions out of template.yaml.
func templateEvents(t *testing.T) (all []event) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string    `yaml:"Type"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for name, r := range template.Resources {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		var function struct {
			Events map[string]struct {
				Type       string `yaml:"Type"`
				Properties struct {
					Path   string `yaml:"Path"`
					Method string `yaml:"Method"`
				} `yaml:"Properties"`
			} `yaml:"Events"`
		}
		if err := r.Properties.Decode(&function); err != nil {
			t.Fatal(err)
		}
		for _, e := range function.Events {
			if e.Type != "Api" {
				continue
			}
			if e.Properties.Method != "any" {
				t.Errorf("%s: %s takes only %s; the handler itself answers a wrong method", name, e.Properties.Path, e.Properties.Method)
			}
			all = append(all, event{kebab(strings.TrimSuffix(name, "Function")), e.Properties.Path})
		}
	}
	return all
}

// kebab spells QueryIncidents as query-incidents.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// partsOf reads which parts a function's main gives to the front.
func partsOf(t *testing.T, folder string) (parts []web.Part) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "functions", folder, "main.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if of, ok := literal.Type.(*ast.SelectorExpr); !ok || of.Sel.Name != "Parts" {
			return true
		}
		for _, field := range literal.Elts {
			if name, ok := field.(*ast.KeyValueExpr).Key.(*ast.Ident); ok {
				parts = append(parts, web.Part(name.Name))
			}
		}
		return false
	})
	if len(parts) == 0 {
		t.Errorf("functions/%s has no parts", folder)
	}
	return parts
}

// reached is the function that API Gateway calls for a path: segment by segment, a
// literal one goes before {name}, and that before {name+}, which takes all the rest.
func reached(events []event, path string) string {
	best, rank := "", ""
	for _, e := range events {
		if r, ok := matches(e.path, path); ok && r > rank {
			best, rank = e.folder, r
		}
	}
	return best
}

// matches also returns how well: one character a segment, greater is better.
func matches(pattern, path string) (rank string, ok bool) {
	want, got := strings.Split(pattern, "/")[1:], strings.Split(path, "/")[1:]
	for i, segment := range want {
		switch {
		case strings.HasSuffix(segment, "+}"):
			return rank + "1", i < len(got) && got[i] != ""
		case i >= len(got):
			return "", false
		case strings.HasPrefix(segment, "{"):
			rank += "2"
		case segment == got[i]:
			rank += "3"
		default:
			return "", false
		}
	}
	return rank, len(want) == len(got)
}

// unreachable tells which routes API Gateway would take to a function that does not
// serve them.
func unreachable(routes []web.Route, events []event, parts map[string][]web.Part) (bad []string) {
	for _, r := range routes {
		at := reached(events, strings.NewReplacer("{", "x", "}", "x").Replace(r.Pattern))
		if !slices.Contains(parts[at], r.Part) {
			bad = append(bad, fmt.Sprintf("%s %s reaches %q, which has no %s", r.Method, r.Pattern, at, r.Part))
		}
	}
	return bad
}

func TestEveryRouteReachesTheFunctionThatServesIt(t *testing.T) {
	events := templateEvents(t)
	parts := map[string][]web.Part{}
	for _, e := range events {
		parts[e.folder] = partsOf(t, e.folder)
	}
	if bad := unreachable(web.Routes(), events, parts); len(bad) > 0 {
		t.Errorf("%s", strings.Join(bad, "\n"))
	}
	// One more route needs no event: these do not exist.
	more := []web.Route{
		{Method: "GET", Pattern: "/made-up", Part: web.PartRead},
		{Method: "GET", Pattern: "/made-up/{id}/deep/{key}", Part: web.PartTickets},
		{Method: "POST", Pattern: "/ingest/{source}/more", Part: web.PartIngest},
	}
	if bad := unreachable(more, events, parts); len(bad) > 0 {
		t.Errorf("one more route needs the template: %s", strings.Join(bad, "\n"))
	}
	// One that nothing of the template leads to is found.
	lost := []web.Route{
		{Method: "POST", Pattern: "/made-up", Part: web.PartDecide},
		{Method: "POST", Pattern: "/ingest-alert/x", Part: web.PartIngest},
	}
	want := []string{
		`POST /made-up reaches "query-incidents", which has no Decide`,
		`POST /ingest-alert/x reaches "query-incidents", which has no Ingest`,
	}
	if bad := unreachable(lost, events, parts); !slices.Equal(bad, want) {
		t.Errorf("%q; want %q", bad, want)
	}
}

func TestAPIGatewayPrefersTheMoreLiteralPath(t *testing.T) {
	events := []event{{"all", "/{proxy+}"}, {"root", "/"}, {"one", "/a/{id}"}, {"rest", "/a/{proxy+}"}, {"literal", "/a/b"}}
	for path, want := range map[string]string{
		"/": "root", "/a": "all", "/a/b": "literal", "/a/c": "one", "/a/b/c": "rest", "/b/c/d": "all",
	} {
		if got := reached(events, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
