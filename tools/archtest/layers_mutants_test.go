package archtest

import (
	"slices"
	"strings"
	"testing"
)

func pkgAt(path string, imports ...string) goPackage {
	p := goPackage{ImportPath: module + "/" + path, Doc: "Package x is made up.", GoFiles: []string{"x.go"}}
	for _, imported := range imports {
		p.Imports = append(p.Imports, strings.Replace(imported, "~", module, 1))
	}
	p.Deps = p.Imports
	return p
}

func tested(p goPackage, imports ...string) goPackage {
	for _, imported := range imports {
		p.XTestImports = append(p.XTestImports, strings.Replace(imported, "~", module, 1))
	}
	return p
}

func linking(p goPackage, deps ...string) goPackage {
	p.Deps = slices.Concat(p.Deps, deps)
	return p
}

// TestALayerBrokenIsReported shows that the check can fail, and for what.
func TestALayerBrokenIsReported(t *testing.T) {
	silent := pkgAt("pkg/rules")
	silent.Doc = ""
	for _, c := range []struct {
		name string
		p    goPackage
		want string // "" where nothing is wrong
	}{
		{"words with the standard library", pkgAt("pkg/incident", "strings", "crypto/sha256"), ""},
		{"words with a module", pkgAt("pkg/incident", "github.com/oklog/ulid/v2"), "one place in the table"},
		{"words with a rule", pkgAt("pkg/incident", "~/pkg/redact"), "only those above it"},
		{"a rule with a rule", pkgAt("pkg/policy", "~/pkg/inventory", "~/pkg/incident"), ""},
		{"a rule with steps", pkgAt("pkg/policy", "~/pkg/steps"), "only those above it"},
		{"a rule with yaml", pkgAt("pkg/catalog", "go.yaml.in/yaml/v3"), "one place in the table"},
		{"the inventory with yaml", pkgAt("pkg/inventory", "go.yaml.in/yaml/v3"), ""},
		{"steps with an adapter", pkgAt("pkg/steps", "~/pkg/notify"), "only those above it"},
		{"steps with the store", pkgAt("pkg/steps", "~/infra/local/bolt"), "only those above it"},
		{"steps with the contract tests", pkgAt("pkg/steps", "~/pkg/steps/stepstest"), "only those above it"},
		{"an adapter with the contract tests", pkgAt("pkg/dynamo", "~/pkg/steps/stepstest"), "that is for tests"},
		{"an adapter's tests with the contract tests", tested(pkgAt("pkg/dynamo"), "~/pkg/steps/stepstest"), ""},
		{"an adapter with steps and rules", pkgAt("pkg/web", "~/pkg/steps", "~/pkg/link"), ""},
		{"an adapter with another", pkgAt("pkg/web", "~/pkg/notify"), "no other adapter"},
		{"a child with its sibling", pkgAt("pkg/notify/discord", "~/pkg/notify/console"), "no other adapter"},
		{"a child with its parent", pkgAt("pkg/notify/discord", "~/pkg/notify"), "no other adapter"},
		{"a parent with its child", pkgAt("pkg/notify", "~/pkg/notify/discord"), ""},
		{"a name that only begins the same", pkgAt("pkg/notify", "~/pkg/notifyother"), "which has no layer"},
		{"an adapter with infra", pkgAt("pkg/web", "~/infra"), "only those above it"},
		{"an adapter with another's client", pkgAt("pkg/web", "go.etcd.io/bbolt"), "one place in the table"},
		{"an adapter that links another's client", linking(pkgAt("pkg/web"), "google.golang.org/api/option"), "links google.golang.org/api/option"},
		{"DynamoDB outside its adapter", pkgAt("infra/local", "github.com/aws/aws-sdk-go-v2/service/dynamodb"), "links github.com/aws"},
		{"DynamoDB in its adapter", pkgAt("pkg/dynamo", "github.com/aws/aws-sdk-go-v2/service/dynamodb"), ""},
		{"one runtime with the other", pkgAt("infra/aws", "~/infra/local"), "links " + module + "/infra/local"},
		{"a function with the local runtime", linking(pkgAt("functions/execute-fix"), "go.etcd.io/bbolt"), "links go.etcd.io/bbolt"},
		{"a function that links the model's client", linking(pkgAt("functions/execute-fix"), "github.com/google/generative-ai-go/genai"), "links github.com/google"},
		{"the function that needs the model", linking(pkgAt("functions/analyze"), "github.com/google/generative-ai-go/genai"), ""},
		{"anything with a program", pkgAt("infra/local", "~/cmd/opsguard"), "nothing imports a program"},
		{"test code in the product", linking(pkgAt("pkg/brief"), "testing"), "links testing"},
		{"a rule's tests with the store", tested(pkgAt("pkg/brief"), "~/infra/local/bolt"), "nothing below them"},
		{"an adapter's tests with the store", tested(pkgAt("pkg/web"), "~/infra/local/bolt"), ""},
		{"an adapter's tests with a program", tested(pkgAt("pkg/web"), "~/cmd/opsguard"), "nothing imports a program"},
		{"a package of no layer", pkgAt("pkg/utils"), "has no layer"},
		{"code at the root", pkgAt(""), "holds no Go files"},
		{"no package comment", silent, "no package comment"},
	} {
		p := c.p
		p.ImportPath = strings.TrimSuffix(p.ImportPath, "/")
		got := strings.Join(checkLayers([]goPackage{p}), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: reported %q, want %q", c.name, got, c.want)
		}
	}
}
