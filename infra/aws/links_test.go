package aws_test

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// slow are packages that every start would pay for, and how to be without each.
var slow = map[string]string{
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas": "keep to v1.68.0: from v1.69.0 on 3,000 objects are made at each start, for all " +
		"calls of DynamoDB, unless a later version makes them for a call",
	"golang.org/x/net/trace": "build with the tag grpcnotrace: it brings templates, which call methods by name, so that the linker keeps all methods",
	"net/http/pprof":         "leave it out: nothing can reach it on Lambda",
}

func TestNoFunctionLinksWhatSlowsEveryStart(t *testing.T) {
	makefile, err := os.ReadFile("../../functions/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`(?m)^TAGS := (\S+)$`).FindSubmatch(makefile)
	if tags == nil {
		t.Fatal("functions/Makefile names no TAGS")
	}
	linked := linkedBy(t, "-tags", string(tags[1]))
	for _, function := range all {
		for pkg, instead := range slow {
			if slices.Contains(linked[function], pkg) {
				t.Errorf("%s links %s; %s", function, pkg, instead)
			}
		}
	}
}

// linkedBy returns what each function links.
func linkedBy(t *testing.T, flags ...string) map[string][]string {
	t.Helper()
	args := append([]string{"list", "-f", `{{.ImportPath}} {{join .Deps " "}}`}, flags...)
	out, err := exec.Command("go", append(args, "../../functions/...")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		packages := strings.Fields(line)
		linked[path.Base(packages[0])] = packages[1:]
	}
	for _, function := range all {
		if len(linked[function]) == 0 {
			t.Fatalf("go list says nothing of %s", function)
		}
	}
	return linked
}
