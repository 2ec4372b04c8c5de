package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// TestTheChannelOfTheGuideKeepsItsContract does what CONTRIBUTING.md says of a
// channel, word for word, without touching the tree: the compiler sees the folder
// and the line through an overlay.
func TestTheChannelOfTheGuideKeepsItsContract(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program; make test runs it")
	}
	guide, err := os.ReadFile(filepath.Join(tree, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlock.FindAllStringSubmatch(string(guide), -1)
	if len(blocks) != 2 {
		t.Fatalf("CONTRIBUTING.md has %d blocks of Go; want the channel and its test", len(blocks))
	}
	line := "pager.Integration(),"
	if !strings.Contains(string(guide), "`"+line+"`") {
		t.Fatalf("CONTRIBUTING.md does not show the line %s", line)
	}
	list, err := os.ReadFile(filepath.Join(tree, "pkg/notify/notify.go"))
	if err != nil {
		t.Fatal(err)
	}
	listed := string(list)
	if !strings.Contains(listed, line) { // it is there where somebody tries the guide in the tree
		listed = strings.Replace(listed, "discord.Integration(),", "discord.Integration(),\n"+line, 1)
		listed = strings.Replace(listed, "import (", "import (\n\""+module+"/pkg/notify/pager\"", 1)
	}

	dir, root := t.TempDir(), absolute(t, tree)
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for name, text := range map[string]string{
		"pkg/notify/pager/pager.go": blocks[0][1], "pkg/notify/pager/pager_test.go": blocks[1][1], "pkg/notify/notify.go": listed,
	} {
		written := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		write(t, written, text)
		overlay.Replace[filepath.Join(root, filepath.FromSlash(name))] = written
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), string(text))
	// Compiled and then run, since go test and vet enter the package's folder, which
	// only the compiler sees.
	test := filepath.Join(dir, "pager.test")
	build := exec.Command("go", "test", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-c", "-o", test, "./pkg/notify/pager")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the channel of CONTRIBUTING.md does not compile: %v\n%s", err, out)
	}
	all := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "./pkg/notify")
	all.Dir = root
	if out, err := all.CombinedOutput(); err != nil {
		t.Errorf("with the line of CONTRIBUTING.md the list does not compile: %v\n%s", err, out)
	}
	run := exec.Command(test)
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("the channel of CONTRIBUTING.md: %v\n%s", err, out)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
