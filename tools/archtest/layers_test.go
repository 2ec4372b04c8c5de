// Package archtest holds the whole tree to ARCHITECTURE.md, Layers: which package may
// import which, what may be linked where, and a few habits that a compiler does
// not check. The checkers are run on made-up trees too, which they must refuse.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// tree is the repository, seen from here.
const tree = "../.."

const module = "github.com/opsguard/opsguard"

// layer is a row of ARCHITECTURE.md, Layers. A package belongs to the row with the longest
// prefix of its path.
type layer struct {
	prefix string
	rank   rank
	// modules are import paths outside the standard library, by prefix, that its
	// packages may import themselves.
	modules []string
}

// rank orders layers from the words down to the programs.
type rank int

const (
	words     rank = iota // the standard library only
	pure                  // words and each other
	stepsRank             // words and pure rules
	support               // what tests of adapters are made of
	adapter               // steps and above, and its own children
	definition
	binding // infra: binds everything
	program
)

// layers is the table. A package that is in none of its rows has no place yet:
// give it one here and in ARCHITECTURE.md, Layers, on purpose.
func layers() []layer {
	aws := []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}
	lambda := append([]string{"github.com/aws/aws-lambda-go", "github.com/oklog/ulid/v2", "golang.org/x/sync"}, aws...)
	return []layer{
		{"pkg/incident", words, nil},
		{"pkg/redact", pure, nil},
		{"pkg/inventory", pure, []string{"go.yaml.in/yaml/v3", "github.com/robfig/cron/v3"}},
		{"pkg/catalog", pure, nil},
		{"pkg/policy", pure, nil},
		{"pkg/link", pure, nil},
		{"pkg/rules", pure, []string{"go.yaml.in/yaml/v3"}},
		{"pkg/brief", pure, nil},
		{"pkg/body", pure, nil},
		{"pkg/integration", pure, nil},
		{"pkg/intake", pure, nil},
		{"pkg/recent", pure, nil},
		{"pkg/mapping", pure, []string{"github.com/ohler55/ojg"}},
		{"pkg/asl", pure, []string{"github.com/ohler55/ojg"}},
		{"pkg/lockfile", pure, []string{"golang.org/x/mod", "github.com/pelletier/go-toml/v2"}},
		{"pkg/osv", pure, []string{"deps.dev/util/semver", "github.com/pandatix/go-cvss"}},
		{"pkg/steps", stepsRank, nil},
		{"pkg/steps/stepstest", support, []string{"github.com/google/go-cmp", "github.com/oklog/ulid/v2"}},
		{"pkg/web", adapter, []string{"maragu.dev/gomponents"}},
		{"pkg/dynamo", adapter, append([]string{"golang.org/x/sync"}, aws...)},
		{"pkg/stepfn", adapter, aws},
		{"pkg/gemini", adapter, []string{"github.com/google/generative-ai-go", "google.golang.org/api", "google.golang.org/grpc"}},
		{"pkg/probe", adapter, nil},
		{"pkg/scan", adapter, nil},
		{"pkg/source", adapter, nil},
		{"pkg/notify", adapter, nil},
		{"pkg/ticket", adapter, nil},
		{"pkg/executor", adapter, nil},
		{"pkg/executor/internal", stepsRank, nil},                            // what several executors are made of
		{"pkg/executor/kubernetes", adapter, []string{"go.yaml.in/yaml/v3"}}, // kubeconfig files
		{"statemachine", definition, nil},
		{"infra", binding, nil},
		{"infra/local", binding, []string{"go.etcd.io/bbolt", "github.com/oklog/ulid/v2"}},
		{"infra/setting", binding, []string{"github.com/caarlos0/env/v11"}},
		{"infra/aws", binding, lambda},
		{"infra/bench", program, []string{"go.etcd.io/bbolt"}},
		{"functions", program, []string{"github.com/aws/aws-lambda-go"}},
		{"infra/emulator/coldstart", program, []string{"github.com/aws/aws-lambda-go"}}, // the hello world that cold starts are compared with
		{"infra/cluster/transcript", program, nil},
		{"tools/archtest", program, nil},
		{"cmd/opsguard", program, []string{"github.com/alecthomas/kong", "github.com/lmittmann/tint", "golang.org/x/term"}},
	}
}

// linked says which client may end up in which packages, however far down: a
// client costs size and cold start, and holds credentials.
func linked() map[string][]string {
	return map[string][]string{
		"go.etcd.io/bbolt":                   {"infra/local", "infra/bench", "cmd/opsguard"},
		"github.com/google/generative-ai-go": {"pkg/gemini", "infra/local", "infra/aws", "functions/analyze", "cmd/opsguard"},
		"google.golang.org/api":              {"pkg/gemini", "infra/local", "infra/aws", "functions/analyze", "cmd/opsguard"},
		"google.golang.org/grpc":             {"pkg/gemini", "infra/local", "infra/aws", "functions/analyze", "cmd/opsguard"},
		"github.com/aws/aws-sdk-go-v2":       {"pkg/dynamo", "pkg/stepfn", "infra/aws", "functions"},
		"github.com/aws/aws-lambda-go":       {"infra/aws", "functions", "infra/emulator/coldstart"},
		"github.com/ohler55/ojg": {"pkg/asl", "pkg/mapping", "pkg/source", "infra/local",
			"infra/aws/receivealerts", "functions/ingest-alert", "cmd/opsguard"},
		module + "/infra/local":                 {"infra/local", "cmd/opsguard"},
		module + "/infra/aws":                   {"infra/aws", "functions"},
		module + "/pkg/steps/stepstest":         {"pkg/steps/stepstest"},
		module + "/infra/e2e":                   {"infra/e2e"},
		"github.com/google/go-cmp":              {"pkg/steps/stepstest"},
		"pgregory.net/rapid":                    {},
		"testing":                               {"pkg/steps/stepstest", "infra/e2e"},
		"github.com/anishathalye/porcupine":     {},
		"github.com/santhosh-tekuri/jsonschema": {},
	}
}

// goPackage is what `go list` tells of a package.
type goPackage struct {
	ImportPath, Doc                    string
	Imports, TestImports, XTestImports []string
	Deps, GoFiles                      []string
}

// path is the package's place in the tree, "" for the root.
func (p goPackage) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func TestEveryPackageKeepsToItsLayer(t *testing.T) {
	tree := listPackages(t)
	if len(tree) < 20 {
		t.Fatalf("go list gave %d packages: something is wrong with the listing", len(tree))
	}
	for _, v := range checkLayers(tree) {
		t.Error(v)
	}
}

// listPackages reads this module's packages. Broken ones are listed too: whether
// they compile is for the compiler to say.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-e", "-json=ImportPath,Doc,Imports,TestImports,XTestImports,Deps,GoFiles", "./...")
	list.Dir = tree
	out, err := list.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Fatalf("go list: %s", failed.Stderr)
		}
		t.Fatal(err)
	}
	var tree []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return tree
		} else if err != nil {
			t.Fatal(err)
		}
		tree = append(tree, p)
	}
}
