package aws_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kindsOf are the kinds of integration that a function opens, by the lists that are
// linked into it.
func kindsOf(linked []string) []string {
	var kinds []string
	for list, kind := range map[string]string{"source": "sources", "notify": "channels", "ticket": "trackers", "executor": "executors"} {
		if slices.Contains(linked, "github.com/opsguard/opsguard/pkg/"+list) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

var (
	roleBlock  = regexp.MustCompile(`(?ms)^  [A-Za-z]+Role:\n.*?- PolicyName: ([a-z-]+)\n(.*?)(?:^  [A-Za-z]+:\n|\z)`)
	secretKind = regexp.MustCompile(`parameter\$\{SecretsPrefix\}/([a-z]+)/\*`)
)

// secretKinds are the kinds whose secrets each role may read, by its function.
func secretKinds(template string) map[string][]string {
	allowed := map[string][]string{}
	for _, role := range roleBlock.FindAllStringSubmatch(template, -1) {
		kinds := []string{}
		for _, m := range secretKind.FindAllStringSubmatch(role[2], -1) {
			kinds = append(kinds, m[1])
		}
		slices.Sort(kinds)
		allowed[role[1]] = kinds
	}
	return allowed
}

// A function that opens a kind reads that kind's secrets, and none reads others':
// adding an integration needs no change of the template.
func TestEachRoleReadsTheSecretsOfTheKindsItsFunctionOpens(t *testing.T) {
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	allowed := secretKinds(string(template))
	mains, err := filepath.Glob("../../functions/*/main.go")
	if err != nil || len(mains) < 10 {
		t.Fatalf("%d functions, %v", len(mains), err)
	}
	linked := linkedBy(t)
	for _, main := range mains {
		function := filepath.Base(filepath.Dir(main))
		may, known := allowed[function]
		if want := kindsOf(linked[function]); !known || !slices.Equal(may, want) {
			t.Errorf("the role of %s may read the secrets of %v; it opens %v", function, may, want)
		}
	}
	if widened := secretKinds(strings.Replace(string(template), "${SecretsPrefix}/trackers/*", "${SecretsPrefix}/channels/*", 1)); slices.Equal(widened["create-ticket"], allowed["create-ticket"]) {
		t.Error("a role that reads another kind's secrets would not be noticed")
	}
}
