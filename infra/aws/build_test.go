package aws_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// skipShort keeps a test that builds programs out of the inner loop.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds programs; make test runs it")
	}
}

// Secrets are written under such a umask, often in the shell that then builds.
func TestLambdaMayRunWhatWasBuiltUnderAnyUmask(t *testing.T) {
	skipShort(t)
	dir := t.TempDir()
	build := exec.Command("sh", "-c", "umask 077; exec make -s -C ../../functions build-ExecuteFixFunction")
	build.Env = append(os.Environ(), "ARTIFACTS_DIR="+dir)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(filepath.Join(dir, "bootstrap"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// SAM does not tell the build which architecture the stack gets. A binary of another
// one deploys without a word, and then no function starts.
func TestABuildFitsTheStacksArchitectureOrIsRefused(t *testing.T) {
	skipShort(t)
	const guided = "parameter_overrides = \"StageName=\\\"live\\\" Architecture=\\\"x86_64\\\"\"\n"
	for name, c := range map[string]struct {
		environment string
		samconfig   string // added to the repository's own
		machine     elf.Machine
		refused     string
	}{
		"the template's default":       {"", "", elf.EM_AARCH64, ""},
		"said":                         {"ARCHITECTURE=x86_64", "", elf.EM_X86_64, ""},
		"said twice, the same":         {"ARCHITECTURE=x86_64 GOARCH=amd64", "", elf.EM_X86_64, ""},
		"deployed as x86_64":           {"", guided, elf.EM_X86_64, ""},
		"said against samconfig":       {"ARCHITECTURE=arm64", guided, elf.EM_AARCH64, ""},
		"the shell's GOARCH is other":  {"GOARCH=amd64", "", 0, "GOARCH=amd64 does not fit the stack's Architecture, arm64"},
		"GOARCH against samconfig":     {"GOARCH=arm64", guided, 0, "GOARCH=arm64 does not fit the stack's Architecture, x86_64"},
		"Go's word for the template's": {"ARCHITECTURE=amd64", "", 0, "ARCHITECTURE=amd64 is neither arm64 nor x86_64"},
		"several deployments": {"", guided + "[other.deploy.parameters]\nparameter_overrides = \"Architecture=arm64\"\n", 0,
			"samconfig.toml deploys to several architectures"},
	} {
		t.Run(name, func(t *testing.T) {
			root := scratchBuild(t, c.samconfig)
			build := exec.Command("make", "-s", "-C", filepath.Join(root, "functions"), "build-ExecuteFixFunction")
			build.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOARCH=") || strings.HasPrefix(v, "ARCHITECTURE=") })
			build.Env = append(build.Env, append(strings.Fields(c.environment), "ARTIFACTS_DIR="+root)...)
			out, err := build.CombinedOutput()
			switch {
			case c.refused != "" && (err == nil || !strings.Contains(string(out), c.refused)):
				t.Errorf("%v: %s", err, out)
			case c.refused == "" && err != nil:
				t.Errorf("%v: %s", err, out)
			case c.refused == "":
				wantMachine(t, filepath.Join(root, "bootstrap"), c.machine)
			}
		})
	}
}

// scratchBuild is a copy of what decides the architecture, with functions/ and the
// command that the build runs made small enough to build in no time.
func scratchBuild(t *testing.T, samconfig string) string {
	t.Helper()
	root := t.TempDir()
	for name, more := range map[string]string{"functions/Makefile": "", "template.yaml": "", "samconfig.toml": samconfig} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, name), string(text)+more)
	}
	const program = "package main\n\nfunc main() {}\n"
	write(t, filepath.Join(root, "go.mod"), "module github.com/opsguard/opsguard\n")
	write(t, filepath.Join(root, "functions/execute-fix/main.go"), program)
	write(t, filepath.Join(root, "cmd/opsguard/main.go"), program)
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantMachine(t *testing.T, path string, want elf.Machine) {
	t.Helper()
	binary, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if binary.Machine != want {
		t.Errorf("built for %s, want %s", binary.Machine, want)
	}
}
