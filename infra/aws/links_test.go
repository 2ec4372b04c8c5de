package aws_test

import (
	"os"
	"os/exec"
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
	for _, function := range all {
		out, err := exec.Command("go", "list", "-deps", "-tags", string(tags[1]), "../../functions/"+function).Output()
		if err != nil {
			t.Fatal(err)
		}
		linked := strings.Fields(string(out))
		for pkg, instead := range slow {
			if slices.Contains(linked, pkg) {
				t.Errorf("%s links %s; %s", function, pkg, instead)
			}
		}
	}
}
