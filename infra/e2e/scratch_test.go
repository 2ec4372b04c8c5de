package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// additions are one integration of each kind, as a contributor would add it: a
// folder of testdata/scratch, and one line (with its import) in the kind's list.
var additions = []struct{ list, folder, name string }{
	{"pkg/notify/notify.go", "pkg/notify/flagpole", "flagpole"},
	{"pkg/ticket/ticket.go", "pkg/ticket/notebook", "notebook"},
	{"pkg/source/source.go", "pkg/source/doorbell", "doorbell"},
	{"pkg/executor/executor.go", "pkg/executor/lever", "lever"},
}

// TestOneMoreOfEachKindCostsAFolderAndALine adds them in a copy of the tree and
// touches nothing else: the copy's own checks pass, every function builds, and the
// binary opens them from services.yaml.
func TestOneMoreOfEachKindCostsAFolderAndALine(t *testing.T) {
	root := scratchCopy(t)
	for _, a := range additions {
		addIntegration(t, root, a.list, a.folder, a.name)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = root, cleanEnv()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, tail(string(out), 6000))
		}
		return string(out)
	}
	run("go", "vet", "./pkg/notify/...", "./pkg/ticket/...", "./pkg/source/...", "./pkg/executor/...")
	run("go", "test", "./pkg/source/doorbell", "-update-golden") // a new source's golden file is written once, and then read
	run("go", "test", "-count=1", "./tools/archtest", "./pkg/notify/...", "./pkg/ticket/...", "./pkg/source/...", "./pkg/executor/...")
	run("go", "build", "./functions/...")
	run("go", "build", "-o", "scratch-opsguard", "./cmd/opsguard")
	livesThroughAll(t, filepath.Join(root, "scratch-opsguard"))
}

// scratchCopy copies what git tracks, and what it would.
func scratchCopy(t *testing.T) string {
	t.Helper()
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) {
			continue // deleted, not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, name), data)
	}
	return root
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// addIntegration copies the folder and writes the line.
func addIntegration(t *testing.T, root, list, folder, name string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata/scratch", folder, "*.go.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files for %s: %v", folder, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, folder, strings.TrimSuffix(filepath.Base(f), ".txt")), data)
	}
	text, err := os.ReadFile(filepath.Join(root, list))
	if err != nil {
		t.Fatal(err)
	}
	line, inList := []byte("\t\t"+name+".Integration(),\n\t}\n"), []byte(".Integration(),\n\t}\n")
	if bytes.Count(text, inList) != 1 {
		t.Fatalf("%s: the end of its list is not found", list)
	}
	text = bytes.Replace(text, inList, append([]byte(".Integration(),\n"), line...), 1)
	text = bytes.Replace(text, []byte("import (\n"), fmt.Appendf(nil, "import (\n\t\"github.com/opsguard/opsguard/%s\"\n", folder), 1)
	write(t, filepath.Join(root, list), text)
}
